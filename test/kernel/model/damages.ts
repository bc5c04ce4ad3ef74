/** What somebody does to what the engine made: each by itself is to be put right by a reconcile. The lines are what an administrator would type. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec, run } from "../../support/test-host.ts";
import { inside, plainFiles, type Scene, userRule } from "./reconcile-scene.ts";

/** Policy rules of one family inside that are ours. */
function ownRules(it: Scene, family: "-4" | "-6"): readonly { readonly priority: number }[] {
  const all = JSON.parse(inside(it, `ip ${family} -j rule show`)) as readonly { readonly priority: number }[];
  const own = all.filter(({ priority }) => priority >= 11_200 && priority < 11_300);
  assert.ok(own.length > 1, "a sandbox with several ways has rules");
  return own;
}

/** The elements of a map of ours, in nft's own notation. */
function elementsOf(map: string): readonly string[] {
  const listed = run(`nft list map inet portolan ${map}`);
  return (/elements = \{([^}]*)\}/s.exec(listed)?.[1] ?? "").split(",").map((element) => element.trim());
}

const keyOf = (element: string | undefined): string => element?.split(" : ")[0] ?? assert.fail("the map is empty");
const keyAndValue = (map: string): string => elementsOf(map)[0] ?? assert.fail(`${map} is empty`);
/** The sandbox's own resolv.conf. */
const resolvConf = ({ files }: Scene): string => files.resolvConf;

/** To what publishes ports. */
const ports: Readonly<Record<string, (scene: Scene) => void>> = {
  "a published port's element is deleted": () =>
    exec("nft", `delete element inet portolan published-anywhere4 { ${keyOf(keyAndValue("published-anywhere4"))} }`),
  "a published port is led elsewhere": () => {
    const key = keyOf(keyAndValue("published-anywhere4"));
    exec("nft", `delete element inet portolan published-anywhere4 { ${key} }`);
    exec("nft", `add element inet portolan published-anywhere4 { ${key} : 192.0.2.99 . 99 }`);
  },
  "a port is published that nobody asked for": () =>
    exec("nft", "add element inet portolan published-anywhere4 { tcp . 6666 : 10.77.0.2 . 66 }"),
  "a row of published ports is deleted": () => run("nft flush map inet portolan published-rows4"),
  "a row of published ports is cut in two": () => {
    const key = keyOf(keyAndValue("published-rows4"));
    exec("nft", `delete element inet portolan published-rows4 { ${key} }`);
    exec("nft", `add element inet portolan published-rows4 { 0.0.0.0-255.255.255.255 . tcp . 7000-7010 : 10.77.0.2 }`);
  },
  "the ports of one address are deleted": () => run("nft flush map inet portolan published4"),
  "all maps of published ports are emptied": () => {
    for (const map of [
      "published4",
      "published6",
      "published-anywhere4",
      "published-anywhere6",
      "published-rows4",
      "published-rows6",
    ])
      run(`nft flush map inet portolan ${map}`);
  },
  "what leads back into its own subnet is deleted": () => run("nft flush set inet portolan hairpin4"),
  "the rules of the raw guard are deleted": () => run("nft flush chain inet portolan guard"),
  "published ports are not asked for any more": () => exec("nft", "flush chain inet portolan prerouting"),
  "published ports are not asked for from the host itself any more": () =>
    exec("nft", "flush chain inet portolan output"),
  "route_localnet is switched off": ({ bridge }) => run(`sysctl -qw net.ipv4.conf.${bridge}.route_localnet=0`),
};

/** The line that ends ours in a hosts file, and what somebody wrote below it. */
const theirPart = "# end of Portolan's part: what stands below is yours\n192.0.2.77 theirs\n";

/** To the files of sandboxes. */
const files: Readonly<Record<string, (scene: Scene) => void>> = {
  "our part of hosts is deleted": ({ files }) => writeFileSync(files.hosts, theirPart),
  "our part of hosts is changed": ({ files }) =>
    writeFileSync(files.hosts, readFileSync(files.hosts, "utf8").replaceAll("10.77.0.", "10.66.0.")),
  "a line is put before our part of hosts": ({ files }) =>
    writeFileSync(files.hosts, `192.0.2.66 bank.test\n${readFileSync(files.hosts, "utf8")}`),
  "hosts cannot be read by everybody any more": ({ files }) => chmodSync(files.hosts, 0o600),
  "resolv.conf is deleted": (it) => rmSync(resolvConf(it)),
  "resolv.conf is emptied": (it) => writeFileSync(resolvConf(it), ""),
  "the hostname is changed": ({ files }) => writeFileSync(files.hostname, "bank\n"),
  "the whole folder of files is deleted": ({ files }) => {
    rmSync(join(files.hosts, ".."), { recursive: true });
    mkdirSync(join(files.hosts, ".."));
    writeFileSync(files.hosts, theirPart);
  },
  "a file for ip netns exec is deleted": () => rmSync(join(plainFiles, "hosts")),
};

/** To settings, routes and rules. */
const settings: Readonly<Record<string, (scene: Scene) => void>> = {
  "IPv6 of the bridge takes router advertisements": ({ bridge }) =>
    run(`sysctl -qw net.ipv6.conf.${bridge}.accept_ra=1`),
  "a sysctl of the endpoint is changed": (it) => inside(it, "sysctl -qw net.ipv4.conf.eth0.log_martians=0"),
  "a sysctl of the endpoint's neighbours is changed": (it) =>
    inside(it, "sysctl -qw net.ipv6.neigh.eth0.gc_stale_time=60"),
  "the interface takes router advertisements": (it) =>
    inside(it, "sysctl -qw net.ipv6.conf.eth0.accept_ra=1 net.ipv6.conf.eth0.autoconf=1"),
  "IPv6 is switched off inside": (it) => inside(it, "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1"),
  "IPv6 is switched on where the network has none": (it) => inside(it, "sysctl -qw net.ipv6.conf.eth1.disable_ipv6=0"),
  "the static routes are deleted": (it) => {
    inside(it, "ip route delete 10.78.0.0/16");
    inside(it, "ip route delete 10.79.0.0/16");
    inside(it, "ip -6 route delete fd00:78::/48");
  },
  "a static route is led elsewhere": (it) => inside(it, "ip route replace 10.78.0.0/16 via 192.0.2.34"),
  "the policy rules are deleted": (it) => {
    for (const family of ["-4", "-6"] as const)
      for (const { priority } of ownRules(it, family)) inside(it, `ip ${family} rule delete priority ${priority}`);
  },
  "the routes that policy rules lead to are flushed": (it) => {
    const tables = (JSON.parse(inside(it, "ip -j rule show")) as readonly { readonly table: string }[]).map(
      ({ table }) => table,
    );
    for (const table of tables.filter((one) => Number(one) > 1000)) inside(it, `ip route flush table ${table}`);
  },
  "the link-local addresses are deleted": (it) => {
    inside(it, "ip address delete 169.254.9.9/16 dev eth0");
    inside(it, "ip address delete fe80::9/64 dev eth0");
  },
  "the port lets nothing back where it came from": ({ port }) =>
    run(`ip link set ${port} type bridge_slave hairpin off`),
};

/** What somebody does, and whether things of his own that stood on it are lost by it. */
export const damages: Readonly<Record<string, (scene: Scene) => void>> = {
  "the table is flushed": () => {
    run("nft flush table inet portolan");
    userRule();
  },
  "the chains of the table are emptied": () => {
    for (const chain of ["forward", "postrouting"]) exec("nft", `flush chain inet portolan ${chain}`);
  },
  "elements of our sets are deleted": ({ bridge }) => {
    for (const line of exec("nft", "-j", "list table inet portolan").split("\n")) {
      for (const { map, set } of (line === "" ? { nftables: [] } : JSON.parse(line)).nftables) {
        const one = map ?? set;
        if (one?.elem !== undefined && one.elem.length > 0 && JSON.stringify(one.elem).includes(bridge))
          exec("nft", `flush ${map === undefined ? "set" : "map"} inet portolan ${one.name}`);
      }
    }
  },
  "the host's end of a veth is deleted": ({ port }) => run(`ip link delete ${port}`),
  "the sandbox's end of a veth is deleted": (it) => inside(it, "ip link delete eth0"),
  "the host's end is set down": ({ port }) => run(`ip link set ${port} down`),
  "the sandbox's end is set down": (it) => inside(it, "ip link set eth0 down"),
  "a port is taken out of its bridge": ({ port }) => run(`ip link set ${port} nomaster`),
  "a port is put into another bridge": ({ port }) => run(`ip link set ${port} master foreign0`),
  "the sandbox's MAC is changed": (it) => inside(it, "ip link set eth0 address 02:00:00:00:00:99"),
  "the MTU is changed": (it) => inside(it, "ip link set eth0 mtu 1280"),
  "the sandbox's address is changed": (it) => {
    inside(it, "ip -4 address flush dev eth0");
    inside(it, "ip address add 10.99.99.9/24 dev eth0");
    inside(it, "ip address delete 10.99.99.9/24 dev eth0");
  },
  "the sandbox's IPv6 addresses are flushed": (it) => inside(it, "ip -6 address flush dev eth0 scope global"),
  "the default route is deleted": (it) => inside(it, "ip route delete default"),
  "the sandbox's address is made again by hand": (it) => {
    const { ipv4 = "" } =
      it.controller
        .sandbox("web")
        .info()
        .endpoints.find(({ network }) => network.name === "second") ?? {};
    inside(it, `ip address delete ${ipv4} dev eth2`);
    inside(it, `ip address add ${ipv4} dev eth2`);
  },
  "the default route is led elsewhere": (it) => inside(it, "ip route replace default via 192.0.2.34"),
  "the gateway's address is deleted": ({ controller, bridge }) => {
    const [pool] = controller.network("front").info().ipam.pools;
    run(`ip address delete ${pool?.gateway}/24 dev ${bridge}`);
    run(`ip route replace 198.51.101.0/24 dev ${bridge}`);
  },
  "the bridge is set down": ({ bridge }) => {
    run(`ip link set ${bridge} down`);
    run(`ip link set ${bridge} up`);
    run(`ip route replace 198.51.101.0/24 dev ${bridge}`);
  },
  "forwarding is switched off": () => run("sysctl -qw net.ipv4.ip_forward=0"),
  "forwarding of IPv6 is switched off": () => run("sysctl -qw net.ipv6.conf.all.forwarding=0"),
  ...ports,
  ...files,
  ...settings,
};
