/** What others break, and beside it what is theirs and has to stay: networks, sandboxes and files of ours among foreign ones. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NetworkController, SandboxInfo } from "../../../src/model/types.ts";
import { exec, run } from "../../support/test-host.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";

export interface Scene {
  readonly controller: NetworkController;
  readonly bridge: string;
  /** Host end of the first sandbox's interface. */
  readonly port: string;
  /** Namespace of the first sandbox. */
  readonly namespace: string;
  /** Its files. */
  readonly files: NonNullable<SandboxInfo["files"]>;
}

export const inside = ({ namespace }: Scene, line: string): string => run(`nsenter --net=${namespace} ${line}`);

interface NamedLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly link_index: number;
  readonly address: string;
}

const links = (line: string): readonly NamedLink[] => JSON.parse(run(line));

/** What the administrator put into the chain that is his. */
export const userRule = (): string => exec("nft", "add rule inet portolan portolan-user ip saddr 192.0.2.7 drop");

/** Files of `ip netns exec` for the sandbox that is the namespace `plain`. */
export const plainFiles = "/etc/netns/plain";

/**
 * Two sandboxes in an IPv4 and IPv6 network and a second one, the first with published ports, routes and settings of its own, and a third that is somebody else's namespace;
 * beside everything of ours something of somebody else's.
 */
export async function scene(controller: NetworkController): Promise<Scene> {
  const network = await controller.createNetwork({
    name: "front",
    enableIpv6: true,
    ipam: { pools: [{ subnet: "10.77.0.0/24" }, { subnet: "fd00:77::/64" }] },
    options: { "com.docker.network.driver.mtu": "1400" },
  });
  await controller.createNetwork({ name: "inner", internal: true });
  await controller.createNetwork({ name: "second", enableIpv6: true });
  for (const name of ["web", "api"]) {
    const sandbox = await controller.createSandbox({ name, extraHosts: ["db:192.0.2.7"], links: ["api:store"] });
    await controller.connect(network, sandbox, name === "web" ? manifold : { publish: ["8081:80"] });
    await controller.connect(controller.network("inner"), sandbox);
    await controller.connect(controller.network("second"), sandbox);
  }
  const plain = await controller.createSandbox({ name: "plain", netns: "/run/netns/plain" });
  await controller.connect(network, plain);
  const { namespace, files } = controller.sandbox("web").info();
  assert.ok(files);
  const bridge = `br-${network.id.slice(0, 12)}`;
  const [own] = links(`nsenter --net=${namespace} ip -j link show eth0`);
  const port = links("ip -j link show type veth").find(({ ifindex }) => ifindex === own?.link_index)?.ifname ?? "";
  const made: Scene = { controller, bridge, port, namespace, files };
  run("ip link add foreign0 address 02:00:00:00:00:f0 type bridge");
  // With a port it would get a link-local address of its own accord.
  run("sysctl -qw net.ipv6.conf.foreign0.disable_ipv6=1");
  run("ip link set foreign0 up");
  run("ip address add 172.31.255.1/24 dev foreign0");
  run("ip route add 198.51.100.0/24 via 172.31.255.2");
  run("ip rule add from 203.0.113.0/24 table 77");
  run("sysctl -qw net.ipv4.conf.foreign0.accept_redirects=0");
  exec(
    "nft",
    "table inet foreign { set s { type ipv4_addr; elements = { 192.0.2.1 } }; chain c { type filter hook forward priority 5; ip saddr @s drop; }; }",
  );
  userRule();
  run(`ip address add 192.0.2.9/32 dev ${bridge}`);
  run(`ip route add 198.51.101.0/24 dev ${bridge}`);
  inside(made, "ip link add foreign1 type bridge");
  inside(made, "ip address add 192.0.2.33/24 dev foreign1");
  inside(made, "ip link set foreign1 up");
  inside(made, "ip route add 198.51.100.0/24 via 192.0.2.34");
  inside(made, "ip rule add from 203.0.113.0/24 table 77");
  exec(
    "nft",
    "add map inet foreign m { type inet_proto . inet_service : ipv4_addr . inet_service; elements = { tcp . 8080 : 192.0.2.1 . 80 }; }",
  );
  appendFileSync(files.hosts, "192.0.2.77 theirs\n");
  writeFileSync(controller.sandbox("api").info().files?.resolvConf ?? "", "nameserver 192.0.2.54\n");
  writeFileSync(join(plainFiles, "other"), "somebody else's");
  return made;
}

/** What the first sandbox's endpoint is told. */
const manifold = {
  publish: ["8080:80", "127.0.0.1:5353:53/udp", "7000-7099:7000-7099", "[::1]:9000:90", "9100-9101:91-92"],
  routes: ["10.78.0.0/16=10.77.0.200", "fd00:78::/48=fd00:77::200", "10.79.0.0/16"],
  linkLocal: ["169.254.9.9", "fe80::9"],
  gatewayPriority: 1,
  options: {
    "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.IFNAME.gc_stale_time=33",
  },
} as const;

const contents = (directory: string): unknown =>
  (existsSync(directory) ? readdirSync(directory) : []).map((name) => [
    name,
    readFileSync(join(directory, name), "utf8"),
    statSync(join(directory, name)).mode,
  ]);

export const state = (runDir: string): unknown => [
  withoutChance(wholeState(runDir)),
  contents(plainFiles),
  readdirSync(join(runDir, "sandboxes")).map((name) => contents(join(runDir, "sandboxes", name))),
];
