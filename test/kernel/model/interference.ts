/** What somebody does to the host behind the engine's back before an operation. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { exec, run } from "../../support/test-host.ts";

/** Whether the host's firewall is to see what passes between the ports of bridges; nothing where it cannot. */
export function filterBridging(on: boolean): void {
  if (!existsSync("/proc/sys/net/bridge")) return;
  run(`sysctl -qw net.bridge.bridge-nf-call-iptables=${Number(on)} net.bridge.bridge-nf-call-ip6tables=${Number(on)}`);
}

/** The same to what sandboxes are served with: the maps of published ports and what guards them, a route, policy rules, settings and files. */
export function damageServices(namespace: string): void {
  exec(
    "nft",
    "flush map inet portolan published-anywhere4; flush map inet portolan published-rows4; flush chain inet portolan guard",
  );
  const inside = (line: string): string => run(`nsenter --net=${namespace} ${line}`);
  inside("ip route delete 10.78.0.0/16");
  inside("ip rule delete priority 11200");
  inside("sysctl -qw net.ipv4.conf.back0.log_martians=0");
  for (const { ifname } of JSON.parse(run("ip -j link show type bridge")) as readonly { readonly ifname: string }[])
    run(`sysctl -qw net.ipv4.conf.${ifname}.route_localnet=0`);
  const files = join(dirname(dirname(namespace)), "sandboxes", basename(namespace));
  rmSync(join(files, "hosts"));
  writeFileSync(join(files, "hostname"), "bank\n");
}

/** What somebody does to the host behind the engine's back: a sandbox loses its link, the host its rules, and a bridge an address. */
export function damage(namespace: string): void {
  const links = JSON.parse(run("ip -j link show type bridge")) as readonly { readonly ifname: string }[];
  const [bridge] = links;
  run(`nsenter --net=${namespace} ip link del eth0`);
  run("nft flush table inet portolan");
  if (bridge !== undefined) run(`ip -4 address flush dev ${bridge.ifname}`);
}
