/**
 * Real packets through the firewall: a host with three bridge networks (one of them internal) and a machine outside that has routes to all
 * of them. Every question is asked over IPv4 and IPv6.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { interfaceAddress, parseSubnet, rangeOf } from "../../../src/address/cidr.ts";
import { type Family, type IpAddress, numberToIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { bridge } from "../../../src/drivers/bridge/index.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, NamespaceRef } from "../../../src/state/objects.ts";
import { plan } from "../../../src/state/plan.ts";
import type { EndpointRecord, NetworkPool, NetworkRecord } from "../../../src/store/records.ts";
import { enterTestHost, exec, type HostSnapshot, run, snapshot } from "../../support/test-host.ts";

enterTestHost();
const engine = createEngine(createKernel());
let bare: HostSnapshot;

const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const hostOutside = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const port = 7000;
const familyWords: readonly Family[] = [4, 6];

/** The n-th address of a subnet. */
const nth = (subnet: NetworkPool["subnet"], n: number): IpAddress =>
  numberToIp(rangeOf(subnet).first + BigInt(n), subnet.includes(":") ? 6 : 4);

function pool(text: string): NetworkPool {
  const subnet = parseSubnet(text);
  const gateway = interfaceAddress(nth(subnet, 1), subnet.includes(":") ? 64 : 24);
  return { poolId: text, subnet, gateway, auxAddresses: {}, chosenByUser: true };
}

function network(number: number, name: string, internal: boolean): NetworkRecord {
  const request = {
    id: String(number).repeat(64),
    name,
    driver: "bridge",
    scope: "local",
    internal,
    attachable: false,
    ingress: false,
    configOnly: false,
    enableIpv4: true,
    enableIpv6: true,
    ipam: { driver: "default", options: {}, pools: [pool(`10.${number}.0.0/24`), pool(`fd00:${number}::/64`)] },
    options: { "com.docker.network.bridge.name": `br-${name}` },
    labels: {},
  } as const;
  const config = bridge.configure(request, {
    host: { links: [], addresses: [], routes: [], defaults: [], filteredBridging: [] },
    networks: [],
  });
  return { ...request, created: "", config };
}

const networks = {
  front: network(1, "front", false),
  back: network(2, "back", false),
  inner: network(3, "inner", true),
};
type NetworkName = keyof typeof networks;

const namespaceOf = (name: string): `/${string}` => `/run/portolan/netns/${name}`;

/** The address of sandbox `n` of a network. */
function addressIn(name: NetworkName, n: number, family: Family): IpAddress {
  const subnet = networks[name].ipam.pools[family === 4 ? 0 : 1]?.subnet;
  assert.ok(subnet);
  return nth(subnet, n + 1);
}

/** Sandbox `n` of a network, with its default routes: what the model would describe. */
function sandbox(name: NetworkName, n: number): readonly KernelObject[] {
  const namespace = namespaceOf(`${name}${n}`);
  const endpoint: EndpointRecord = {
    id: `${networks[name].id.slice(0, 6)}${n}`.padEnd(64, "0"),
    name: `${name}${n}`,
    networkId: networks[name].id,
    created: "",
    mac: parseMac(`02:00:00:00:0${networks[name].id[0]}:0${n}`),
    ipv4: interfaceAddress(addressIn(name, n, 4), 24),
    ipv6: interfaceAddress(addressIn(name, n, 6), 64),
    aliases: [],
    options: {},
    labels: {},
    join: { sandboxId: "", interfaceName: "eth0", gatewayPriority: 0 },
  };
  const { objects, gatewayIpv4, gatewayIpv6 } = bridge.describeJoin(networks[name], endpoint, namespace);
  const defaults = ([gatewayIpv4, gatewayIpv6] as const).flatMap((gateway, index): readonly KernelObject[] =>
    gateway === undefined
      ? []
      : [{ kind: "route", namespace, family: index === 0 ? 4 : 6, destination: "default", gateway, link: "eth0" }],
  );
  return [{ kind: "namespace", path: namespace }, ...objects, ...defaults];
}

const desired: readonly KernelObject[] = [
  ...Object.values(networks).flatMap((record) => bridge.describeNetwork(record)),
  ...sandbox("front", 1),
  ...sandbox("front", 2),
  ...sandbox("back", 1),
  ...sandbox("inner", 1),
  ...sandbox("inner", 2),
];
/** What the networks share, once, and what the model adds: values to restore. */
const described = [...new Set(desired)].map((object) => {
  if (object.kind !== "sysctl" || !/^net\/ipv(4\/ip_forward|6\/conf\/all\/forwarding)$/.test(object.name))
    return object;
  return { ...object, original: readFileSync(`/proc/sys/${object.name}`, "utf8").trim() };
});

/** Answers every connection with the address it came from. */
const server = `
  const { createServer } = require("node:net");
  createServer((socket) => socket.end(socket.remoteAddress.replace("::ffff:", "") + "\\n"))
    .listen(${port}, "::", () => console.log("ready"));
`;
const servers: ReturnType<typeof spawn>[] = [];

async function serve(path: string | undefined): Promise<void> {
  const command = [process.execPath, "-e", server];
  const [program = "", ...words] = path === undefined ? command : ["nsenter", `--net=${path}`, ...command];
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
}

const execute = promisify(execFile);

/** What a server answers to a connection from a namespace: the address it saw; undefined where there is none within a second. */
async function ask(from: NamespaceRef, address: string): Promise<string | undefined> {
  const inside = from === "host" ? [] : ["nsenter", `--net=${from}`];
  const command = ["timeout", "5", "bash", "-c", `exec 3<>/dev/tcp/${address}/${port} && cat <&3`];
  const [program = "", ...words] = [...inside, ...command];
  return execute(program, words).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** Asks all at once, because a refusal takes a second: pairs of an answer on its way and the one that is due. */
async function allAre(
  ...answers: readonly (readonly [Promise<string | undefined>, string | undefined])[]
): Promise<void> {
  const given = await Promise.all(answers.map(([answer]) => answer));
  assert.deepEqual(
    given,
    answers.map(([, due]) => due),
  );
}

before(async () => {
  run("ip netns add outside");
  run("ip link add uplink type veth peer name eth0 netns outside");
  for (const [name, side, addresses] of [
    ["uplink", "", hostOutside],
    ["eth0", "-n outside ", outside],
  ] as const) {
    run(`ip ${side}link set ${name} addrgenmode none`);
    run(`ip ${side}addr add ${addresses[4]}/24 dev ${name}`);
    run(`ip ${side}addr add ${addresses[6]}/64 dev ${name} nodad`);
    run(`ip ${side}link set ${name} up`);
  }
  run("ip -n outside link set lo up");
  // A neighbour that knows where our subnets are, and would use it.
  run(`ip -n outside route add 10.0.0.0/8 via ${hostOutside[4]}`);
  run(`ip -n outside route add fd00::/16 via ${hostOutside[6]}`);
  bare = snapshot();
  await engine.apply(plan(described, []));
  const sandboxes = ["front1", "front2", "back1", "inner1", "inner2"].map(namespaceOf);
  await Promise.all([undefined, "/run/netns/outside", ...sandboxes].map(serve));
});

after(async () => {
  for (const child of servers) child.kill("SIGKILL");
  await engine.close();
});

const front1 = namespaceOf("front1");
const inner1 = namespaceOf("inner1");
const outsideNamespace = "/run/netns/outside";

describe("packets", { concurrency: true }, () => {
  for (const family of familyWords) {
    test(`IPv${family}: sandboxes of one network reach each other, each under its own address`, async () => {
      await allAre([ask(front1, addressIn("front", 2, family)), addressIn("front", 1, family)]);
    });

    test(`IPv${family}: nothing passes between networks`, async () => {
      await allAre(
        [ask(front1, addressIn("back", 1, family)), undefined],
        [ask(namespaceOf("back1"), addressIn("front", 1, family)), undefined],
      );
    });

    test(`IPv${family}: what leaves the host takes its address`, async () => {
      await allAre([ask(front1, outside[family]), hostOutside[family]]);
    });

    test(`IPv${family}: from outside nothing comes in, even by a route`, async () => {
      await allAre(
        [ask(outsideNamespace, addressIn("front", 1, family)), undefined],
        [ask(outsideNamespace, addressIn("inner", 1, family)), undefined],
      );
    });

    test(`IPv${family}: the host reaches its sandboxes under the gateway's address, and they reach the host`, async () => {
      const gateway = addressIn("front", 0, family);
      await allAre(
        [ask("host", addressIn("front", 1, family)), gateway],
        [ask(front1, gateway), addressIn("front", 1, family)],
        [ask(front1, hostOutside[family]), addressIn("front", 1, family)],
      );
    });

    test(`IPv${family}: the host reaches itself by a gateway's address`, async () => {
      const gateway = addressIn("front", 0, family);
      await allAre([ask("host", gateway), gateway]);
    });

    test(`IPv${family}: an internal network reaches itself and the host's gateway address, and nothing else`, async () => {
      await allAre(
        [ask(inner1, addressIn("inner", 2, family)), addressIn("inner", 1, family)],
        [ask(inner1, addressIn("inner", 0, family)), addressIn("inner", 1, family)],
        [ask(inner1, outside[family]), undefined],
        [ask(inner1, addressIn("front", 1, family)), undefined],
        [ask(front1, addressIn("inner", 1, family)), undefined],
      );
    });

    test(`IPv${family}: an internal network stays inside even when a sandbox makes itself a default route`, async () => {
      const words = ["nsenter", `--net=${inner1}`, "ip", `-${family}`, "route"];
      exec(...words, "add", "default", "via", addressIn("inner", 0, family));
      try {
        await allAre(
          [ask(inner1, outside[family]), undefined],
          [ask(inner1, addressIn("front", 1, family)), undefined],
        );
      } finally {
        exec(...words, "delete", "default");
      }
    });
  }
});

test("traffic between others passes the host's firewall untouched", async () => {
  run("ip netns add stranger");
  run("ip link add strange type veth peer name eth0 netns stranger");
  run("ip addr add 198.51.100.1/24 dev strange");
  run("ip link set strange up");
  run("ip -n stranger addr add 198.51.100.2/24 dev eth0");
  run("ip -n stranger link set eth0 up");
  run("ip -n stranger route add default via 198.51.100.1");
  run(`ip -n outside route add 198.51.100.0/24 via ${hostOutside[4]}`);
  try {
    assert.equal(await ask("/run/netns/stranger", outside[4]), "198.51.100.2");
  } finally {
    run("ip -n outside route delete 198.51.100.0/24");
    run("ip netns delete stranger");
  }
});

test("the administrator's chain is asked before ours, for good and for bad", async () => {
  const add = (rule: string): string => run(`nft add rule inet portolan portolan-user ${rule}`);
  add(`ip daddr ${addressIn("back", 1, 4)} tcp dport ${port} accept`);
  assert.equal(await ask(front1, addressIn("back", 1, 4)), addressIn("front", 1, 4));
  run("nft flush chain inet portolan portolan-user");
  assert.equal(await ask(front1, addressIn("back", 1, 4)), undefined);
  add(`ip daddr ${outside[4]} drop`);
  assert.equal(await ask(front1, outside[4]), undefined);
  run("nft flush chain inet portolan portolan-user");
  assert.equal(await ask(front1, outside[4]), hostOutside[4]);
});

test("what is described is what is there, and when it goes the host is as it was", async () => {
  const differences = plan(described, await engine.observe(described));
  assert.deepEqual(differences, []);
  await engine.apply(plan([], described));
  await engine.settle();
  assert.deepEqual(snapshot(), bare);
});
