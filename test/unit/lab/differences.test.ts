import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { differences, type Existing, subjectOf, topologyLabel } from "../../../src/lab/differences.ts";
import { parseTopology } from "../../../src/lab/read-topology.ts";
import type { EndpointInfo, NetworkInfo, SandboxInfo } from "../../../src/model/types.ts";
import { plainEndpoint, plainNetwork, plainSandbox } from "../../support/plain-infos.ts";

const labels = { [topologyLabel]: "shop" };

function networkInfo(name: string, changes: Partial<NetworkInfo> = {}): NetworkInfo {
  const pools = [{ subnet: parseSubnet("10.1.0.0/24"), auxAddresses: {} }];
  return plainNetwork(name, { ipam: { driver: "default", options: {}, pools }, labels, ...changes });
}

const endpointInfo = (network: string, sandbox: string, changes: Partial<EndpointInfo> = {}): EndpointInfo =>
  plainEndpoint(`${network}-${sandbox}`, {
    network: { id: `network-${network}`, name: network, driver: "bridge" },
    sandbox: { id: `sandbox-${sandbox}`, name: sandbox },
    interfaceName: "eth0",
    gatewayPriority: 0,
    mac: parseMac("02:42:0a:01:00:02"),
    ipv4: parseInterfaceAddress("10.1.0.2/24"),
    ...changes,
  });

const sandboxInfo = (
  name: string,
  endpoints: readonly EndpointInfo[],
  changes: Partial<SandboxInfo> = {},
): SandboxInfo => plainSandbox(name, { labels, endpoints, ...changes });

const nothing: Existing = { networks: [], sandboxes: [], processes: [] };

const file = (text: string) => parseTopology("/labs/shop.yaml", text);
const topology = file(`
networks: { front: , back: }
sandboxes:
  web: { networks: [front, back], run: serve, listen: 80 }
`);

const running: Existing = {
  networks: [networkInfo("front"), networkInfo("back")],
  sandboxes: [sandboxInfo("web", [endpointInfo("front", "web"), endpointInfo("back", "web")])],
  processes: [
    {
      sandbox: "web",
      index: 0,
      spec: { command: ["/bin/sh", "-c", "serve"], env: {}, cwd: "/labs" },
      pid: 7,
      started: "1",
      log: "/log",
      running: true,
    },
  ],
};

/** A line a step: `connect sandbox "web" and network "front": it does not exist`. */
const steps = (text: string | typeof topology, existing: Existing): readonly string[] =>
  differences(typeof text === "string" ? file(text) : text, existing).map(
    (difference) => `${difference.step} ${subjectOf(difference)}: ${difference.reason}`,
  );

test("of a topology that is not up everything comes, networks first, processes last", () => {
  assert.deepEqual(steps(topology, nothing), [
    'create-network network "front": it does not exist',
    'create-network network "back": it does not exist',
    'create-sandbox sandbox "web": it does not exist',
    'connect sandbox "web" and network "front": it does not exist',
    'connect sandbox "web" and network "back": it does not exist',
    'start process 1 of sandbox "web": it was never started',
  ]);
});

test("of a topology that is up nothing comes", () => {
  assert.deepEqual(steps(topology, running), []);
});

test("what is not in the file goes, in the order in which it can", () => {
  assert.deepEqual(steps("sandboxes: { other: }", running), [
    'stop process 7 of sandbox "web": its sandbox goes',
    'disconnect sandbox "web" and network "front": its sandbox goes',
    'disconnect sandbox "web" and network "back": its sandbox goes',
    'delete-sandbox sandbox "web": it is not in the file',
    'delete-network network "front": it is not in the file',
    'delete-network network "back": it is not in the file',
    'create-sandbox sandbox "other": it does not exist',
  ]);
});

test("a changed network is made anew, and its endpoints with it; others stay", () => {
  assert.deepEqual(
    steps(
      "networks: { front: { internal: yes }, back: }\nsandboxes: { web: { networks: [front, back], run: serve } }",
      running,
    ),
    [
      'disconnect sandbox "web" and network "front": its network goes',
      'delete-network network "front": it is not internal',
      'create-network network "front": it is not internal',
      'connect sandbox "web" and network "front": its network goes',
    ],
  );
});

test("a changed command starts its process again, and nothing else", () => {
  assert.deepEqual(
    steps("networks: { front: , back: }\nsandboxes: { web: { networks: [front, back], run: other } }", running),
    ['stop process 7 of sandbox "web": its command differs', 'start process 1 of sandbox "web": it is started again'],
  );
});

test("a process that has ended is started", () => {
  const ended = { ...running, processes: running.processes.map((process) => ({ ...process, running: false })) };
  assert.deepEqual(steps(topology, ended), ['start process 1 of sandbox "web": it has ended']);
});

test("an endpoint that somebody took away comes back", () => {
  const sandboxes = [sandboxInfo("web", [endpointInfo("front", "web")])];
  assert.deepEqual(steps(topology, { ...running, sandboxes }), [
    'connect sandbox "web" and network "back": it does not exist',
  ]);
});

const changedAttachments: readonly (readonly [string, string, string])[] = [
  ["address", "{ ipv4: 10.1.0.9 }", "its address is 10.1.0.2/24"],
  ["IPv6 address", '{ ipv6: "fd00:1::9" }', "its address is not set"],
  ["MAC address", "{ mac: 02:42:0a:01:00:99 }", "its MAC address is 02:42:0a:01:00:02"],
  ["interface", "{ interface: shop0 }", "its interface is eth0"],
  ["priority", "{ priority: 7 }", "its priority is 0"],
  ["aliases", "{ aliases: [www] }", "its aliases differ"],
  ["link-local addresses", "{ link-local: 169.254.3.4 }", "its link-local addresses differ"],
  ["static routes", "{ routes: 10.9.0.0/16=10.1.0.7 }", "its static routes differ"],
  ["options", "{ options: { com.docker.network.endpoint.exposedports: 80 } }", "its options differ"],
];
for (const [what, settings, reason] of changedAttachments) {
  test(`an endpoint whose ${what} differs is made anew`, () => {
    const text = `networks: { front: { subnet: [10.1.0.0/24, "fd00:1::/64"] } }\nsandboxes: { web: { networks: { front: ${settings} } } }`;
    const pools = ["10.1.0.0/24", "fd00:1::/64"].map((subnet) => ({ subnet: parseSubnet(subnet), auxAddresses: {} }));
    const front = networkInfo("front", { enableIpv6: true, ipam: { driver: "default", options: {}, pools } });
    const existing = {
      networks: [front],
      sandboxes: [sandboxInfo("web", [endpointInfo("front", "web")])],
      processes: [],
    };
    assert.deepEqual(steps(text, existing), [
      `disconnect sandbox "web" and network "front": ${reason}`,
      `connect sandbox "web" and network "front": ${reason}`,
    ]);
  });
}

test("ports that an option publishes are the endpoint's as well as others", () => {
  const options = { "com.docker.network.portmap": "8080:80, 53:53/udp" };
  const publish = ["443:443/tcp", "8080:80/tcp", "53:53/udp"];
  const sandboxes = [sandboxInfo("web", [endpointInfo("front", "web", { options, publish })])];
  const text = `networks: { front: }
sandboxes: { web: { networks: { front: { publish: 443:443, options: { com.docker.network.portmap: "8080:80, 53:53/udp" } } } } }`;
  assert.deepEqual(steps(text, { networks: [networkInfo("front")], sandboxes, processes: [] }), []);
});

const changedNetworks: readonly (readonly [string, string, string])[] = [
  ["driver", "driver: none", "its driver is bridge"],
  ["subnet", "subnet: 10.2.0.0/24", "its subnet is 10.1.0.0/24"],
  ["families", "ipv6: yes", "IPv6 is off"],
  ["options", 'options: { com.docker.network.driver.mtu: "1400" }', "its options differ"],
  ["labels", "labels: { a: b }", "its labels differ"],
];
for (const [what, settings, reason] of changedNetworks) {
  test(`a network whose ${what} differs is made anew`, () => {
    const existing = { ...nothing, networks: [networkInfo("front")] };
    assert.deepEqual(steps(`networks: { front: { ${settings} } }\nsandboxes: { web: }`, existing).slice(0, 2), [
      `delete-network network "front": ${reason}`,
      `create-network network "front": ${reason}`,
    ]);
  });
}

test("a subnet that was chosen for a network is as good as any", () => {
  const existing = { ...running, networks: [networkInfo("front"), networkInfo("back")] };
  assert.deepEqual(steps(topology, existing), []);
});
