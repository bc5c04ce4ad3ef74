#!/usr/bin/env bash
# boot.sh [-m MEM] [-t TIMEOUT_S] [--] COMMAND [ARGS...]
#
# Boots Debian's cloud kernel in QEMU (software emulation, no KVM needed) with this machine's file system as its root and
# runs COMMAND in it as root, in the caller's directory. Prints what COMMAND prints, exits with its status.
#
#   the caller's directory   shared, read and write
#   everything else          seen as here, but writes go to memory and are gone afterwards
#   network                  none but lo: what a test needs, it makes
#
# Exit status: COMMAND's own; 124 after TIMEOUT_S; 125 where the kernel could not be had or started.
set -euo pipefail

MEM=4G TIMEOUT=900
while getopts 'm:t:h' opt; do
  case $opt in
    m) MEM=$OPTARG ;;
    t) TIMEOUT=$OPTARG ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 125 ;;
  esac
done
shift $((OPTIND - 1))
[[ ${1:-} == -- ]] && shift
fail() { echo "testkernel: $*" >&2; exit 125; }
(($#)) || fail "no command given; usage: boot.sh [-m MEM] [-t SECONDS] [--] COMMAND [ARGS...]"
[[ $(id -u) == 0 ]] || fail "must be root"

CACHE=${TESTKERNEL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/testkernel}
VIRTIOFSD=/usr/lib/qemu/virtiofsd
# Loaded in the guest, with what they depend on. The last line is what the machine kernels at hand often lack.
MODULES=(virtio_pci virtio_console virtiofs overlay
  af_packet unix veth bridge br_netfilter vxlan macvlan macvtap tun ifb dummy 8021q ipvlan vrf bonding geneve wireguard netlink_diag inet_diag tcp_diag
  nf_tables nft_chain_nat nft_ct nft_nat nft_masq nft_redir nft_reject_inet nft_fib_inet nft_numgen nft_hash nft_log nft_limit nft_tproxy nft_socket nft_meta_bridge
  nf_conntrack_netlink nfnetlink_log nft_compat xt_MASQUERADE xt_conntrack xt_comment xt_addrtype xt_mark xt_multiport iptable_nat iptable_filter ip_set
  aes_generic ctr ghash_generic cmac hmac sha256_generic sha512_generic jitterentropy_rng drbg esp4 esp6 xfrm_user xfrm_interface gcm seqiv echainiv authenc cbc ip_vs ip_vs_rr ip_vs_sh sch_netem sch_tbf sch_htb sch_ingress cls_u32 cls_bpf act_mirred sctp)

install_packages() {
  local missing=()
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  [[ -x $VIRTIOFSD ]] || missing+=(qemu-system-common)
  [[ -x /bin/busybox ]] && /bin/busybox cpio --help >/dev/null 2>&1 || missing+=(busybox-static)
  command -v depmod >/dev/null || missing+=(kmod)
  ((${#missing[@]})) || return 0
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    fail "could not install ${missing[*]}"
}

# Downloads and unpacks the kernel package (it is never installed) and packs the initial file system, once.
prepare() {
  local name dir list module
  [[ -s $CACHE/vmlinuz && -s $CACHE/initrd && $CACHE/initrd -nt $0 ]] && return
  install_packages
  mkdir -p "$CACHE"
  if [[ ! -s $CACHE/vmlinuz ]]; then
    apt-get update -qq >&2 || true
    name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [[ $name ]] || fail "apt knows no linux-image-cloud-amd64"
    dir=$(mktemp -d)
    (cd "$dir" && apt-get download -qq "$name" >&2 && dpkg -x ./*.deb "$dir/x") || fail "could not download $name"
    rm -rf "$CACHE/lib"
    mv "$dir/x/lib" "$CACHE/lib"
    ls "$CACHE/lib/modules" >"$CACHE/version"
    depmod -b "$CACHE" "$(<"$CACHE/version")"
    cp "$dir"/x/boot/vmlinuz-* "$CACHE/vmlinuz"
    rm -rf "$dir"
  fi
  dir=$(mktemp -d)
  mkdir -p "$dir"/{bin,proc,sys,dev,host,new,m}
  cp /bin/busybox "$dir/bin/"
  for module in "${MODULES[@]}"; do # in dependency order; built-in ones print nothing to load
    modprobe -d "$CACHE" -S "$(<"$CACHE/version")" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod //p' || true
  done | awk '!seen[$1]++ {print $1}' | while read -r file; do
    cp "$file" "$dir/m/" && basename "$file"
  done >"$dir/m/list"
  guest_init >"$dir/init"
  chmod +x "$dir/init"
  (cd "$dir" && find . | /bin/busybox cpio -o -H newc 2>/dev/null) >"$CACHE/initrd.$$"
  mv "$CACHE/initrd.$$" "$CACHE/initrd"
  rm -rf "$dir"
}

guest_init() {
  cat <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs dev /dev
for m in $($b cat /m/list); do $b insmod /m/$m 2>/dev/console; done
$b mount -t virtiofs root /host
# everything is seen as on the machine, writes go to memory
$b mkdir /mem; $b mount -t tmpfs -o size=50% mem /mem; $b mkdir /mem/up /mem/work
$b mount -t overlay -o lowerdir=/host,upperdir=/mem/up,workdir=/mem/work root /new
job=$($b sed -n 's/.*testkernel.job=\([^ ]*\).*/\1/p' /proc/cmdline)
cwd=$($b cat "/host$job/cwd")
for d in "$cwd" "$job"; do $b mount --bind "/host$d" "/new$d"; done
for d in proc sys dev; do $b mount --move /$d /new/$d; done
exec $b switch_root /new /bin/bash "$job/stage2"
INIT
}

prepare
job=$(mktemp -d "${TMPDIR:-/tmp}/testkernel.XXXXXX")
vfs_pid=
cleanup() { [[ $vfs_pid ]] && kill "$vfs_pid" 2>/dev/null && wait "$vfs_pid" 2>/dev/null; rm -rf "$job"; }
trap cleanup EXIT
trap 'exit 130' INT TERM
pwd -P >"$job/cwd"
export -p | grep -vE ' (PWD|OLDPWD|SHLVL|TMPDIR)=' >"$job/env"
printf '%q ' "$@" >"$job/command"
cat >"$job/stage2" <<STAGE2
mount -t tmpfs run /run; mkdir -p /run/netns /run/lock /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs tmp /var/tmp
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
ip link set lo up 2>/dev/null
out=/dev/\$(basename "\$(dirname "\$(grep -lx out /sys/class/virtio-ports/*/name)")")
. $job/env; cd "$(<"$job/cwd")"
bash -c "\$(<$job/command)" </dev/null >"\$out" 2>&1
echo \$? >$job/rc; sync
echo o >/proc/sysrq-trigger; sleep 10
STAGE2

"$VIRTIOFSD" --socket-path="$job/vfs.sock" -o source=/ -o cache=always -o sandbox=chroot -f 2>"$job/vfs.log" &
vfs_pid=$!
for _ in {1..50}; do [[ -S $job/vfs.sock ]] && break; sleep 0.1; done
[[ -S $job/vfs.sock ]] || fail "virtiofsd did not start: $(tail -n 1 "$job/vfs.log")"

mkfifo "$job/out"
cat "$job/out" & # the guest's output; ends when qemu does
cat_pid=$!

status=0
timeout --foreground -k 5 "$TIMEOUT" qemu-system-x86_64 \
  -M q35 -accel tcg,thread=multi,tb-size=1024 -cpu max -smp "$(nproc)" -m "$MEM" \
  -object memory-backend-memfd,id=mem,size="$MEM",share=on -numa node,memdev=mem \
  -chardev socket,id=fs,path="$job/vfs.sock" -device vhost-user-fs-pci,chardev=fs,tag=root,queue-size=1024 \
  -device virtio-serial-pci -chardev file,id=out,path="$job/out" -device virtserialport,chardev=out,name=out \
  -chardev file,id=console,path="$job/console.log" -serial chardev:console \
  -kernel "$CACHE/vmlinuz" -initrd "$CACHE/initrd" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable no5lvl nokaslr audit=0 nowatchdog random.trust_cpu=on testkernel.job=$job" \
  -display none -monitor none -nodefaults -no-reboot </dev/null || status=$?
wait "$cat_pid" || true
[[ -s $job/rc ]] && exit "$(<"$job/rc")"
((status == 124 || status == 137)) && { echo "testkernel: no end after $TIMEOUT s" >&2; exit 124; }
tail -n 20 "$job/console.log" >&2 2>/dev/null || true
fail "the kernel stopped before the command did (qemu $status)"
