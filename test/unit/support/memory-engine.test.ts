import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { ipSaddr } from "../../../src/state/nft/selectors.ts";
import { lookup, rule } from "../../../src/state/nft/statements.ts";
import type {
  Address,
  BridgeLink,
  KernelObject,
  NftElement,
  Route,
  Sysctl,
  VethLink,
} from "../../../src/state/objects.ts";
import type { Change } from "../../../src/state/plan-types.ts";
import { Faults } from "../../support/faults.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";

const path = "/run/portolan/netns/web";
const namespace: KernelObject = { kind: "namespace", path };
const bridge: BridgeLink = { kind: "link", type: "bridge", namespace: "host", name: "br0", up: true };
const veth: VethLink = {
  kind: "link",
  type: "veth",
  namespace: "host",
  name: "veth0",
  up: true,
  master: "br0",
  peer: { namespace: path, name: "eth0", up: true },
};
const address: Address = {
  kind: "address",
  namespace: path,
  link: "eth0",
  address: parseInterfaceAddress("10.1.0.2/24"),
};
const route: Route = {
  kind: "route",
  namespace: path,
  family: 4,
  destination: "default",
  gateway: parseIp("10.1.0.1"),
  link: "eth0",
};
const sysctl: Sysctl = { kind: "sysctl", namespace: path, name: "net/ipv6/conf/eth0/disable_ipv6", value: "1" };
const sandbox = [namespace, bridge, veth, sysctl, address, route];

const create = (object: KernelObject): Change => ({ action: "create", object });
const remove = (object: KernelObject): Change => ({ action: "delete", object });

async function sandboxed() {
  const engine = createMemoryEngine();
  await engine.apply(sandbox.map(create));
  return engine;
}

const element = (prefix: string): NftElement => ({
  kind: "nft-element",
  namespace: "host",
  table: "t",
  set: "s",
  type: { key: ["ipv4_addr"], interval: true },
  key: [{ prefix }],
});
const table: KernelObject = { kind: "nft-table", namespace: "host", name: "t" };
const chain: KernelObject = { kind: "nft-chain", namespace: "host", table: "t", name: "c" };
const set: KernelObject = {
  kind: "nft-set",
  namespace: "host",
  table: "t",
  name: "s",
  key: ["ipv4_addr"],
  interval: true,
};
const using: KernelObject = {
  kind: "nft-rule",
  namespace: "host",
  table: "t",
  chain: "c",
  id: "r",
  position: 1,
  expressions: rule(lookup(ipSaddr(), "s")),
};

const refusals: readonly (readonly [string, string, readonly Change[]])[] = [
  ["a link that is there", "EEXIST", [create(bridge)]],
  ["a link without its namespace", "ENOENT", [create({ ...bridge, namespace: "/run/none" })]],
  ["a veth whose other end's name is taken", "EEXIST", [create({ ...veth, name: "veth1" })]],
  ["a second loopback", "EEXIST", [create({ ...bridge, name: "lo" })]],
  [
    "a port of a link that is no bridge",
    "EOPNOTSUPP",
    [create({ ...veth, name: "veth1", master: "veth0", peer: { ...veth.peer, name: "eth1" } })],
  ],
  ["an address that is there", "EEXIST", [create(address)]],
  ["an address without its link", "ENODEV", [create({ ...address, link: "eth1" })]],
  [
    "an IPv6 address where IPv6 is off",
    "EACCES",
    [create({ ...address, address: parseInterfaceAddress("fd00::2/64") })],
  ],
  ["a gateway out of reach", "ENETUNREACH", [remove(route), create({ ...route, gateway: parseIp("10.2.0.1") })]],
  [
    "a route over a link that is down",
    "ENETDOWN",
    [{ action: "update", before: veth, object: { ...veth, peer: { ...veth.peer, up: false } } }, create(route)],
  ],
  [
    "the kernel's own route",
    "EEXIST",
    [create({ kind: "route", namespace: path, family: 4, destination: parseSubnet("10.1.0.0/24"), link: "eth0" })],
  ],
  ["a deletion of what is not there", "EADDRNOTAVAIL", [remove(address), remove(address)]],
  ["a deletion of what its link has taken along", "EADDRNOTAVAIL", [remove(veth), remove(address)]],
  [
    "a change of what is not there",
    "ENODEV",
    [{ action: "update", before: bridge, object: { ...bridge, name: "br1", mtu: 1400 } }],
  ],
  ["a sysctl of a link that is not there", "ENODEV", [create({ ...sysctl, name: "net/ipv6/conf/eth7/accept_ra" })]],
  [
    "an element that overlaps another",
    "EEXIST",
    [table, set, element("10.1.0.0/16"), element("10.1.2.0/24")].map(create),
  ],
  ["a deletion of a set in use", "EBUSY", [...[table, set, chain, using].map(create), remove(set)]],
  [
    "a deletion of a chain in use",
    "EBUSY",
    [
      ...[table, chain, { ...set, data: ["verdict"], interval: false } as KernelObject].map(create),
      create({ ...element("10.0.0.0/8"), type: { key: ["ipv4_addr"], data: ["verdict"] }, data: ["jump c"] }),
      remove(chain),
    ],
  ],
];

for (const [what, code, changes] of refusals) {
  test(`the memory engine refuses ${what}, and makes nothing of the plan`, async () => {
    const engine = await sandboxed();
    const before = engine.state();
    const other: KernelObject = { ...bridge, name: "other" };
    await assert.rejects(engine.apply([create(other), ...changes]), (error) => {
      assert.ok(isPortolanError(error, "kernel"));
      assert.equal(error.reason?.split(":")[0], code);
      return true;
    });
    assert.deepEqual(engine.state(), before);
  });
}

const departures: readonly (readonly [string, KernelObject, readonly KernelObject[]])[] = [
  ["a namespace takes along its links, their other ends, addresses, routes and sysctls", namespace, [bridge]],
  ["a veth takes along what its other end has", veth, [namespace, bridge]],
  ["the last IPv4 address takes along the routes of its link", address, [namespace, bridge, veth, sysctl]],
];

for (const [what, gone, left] of departures) {
  test(`${what}`, async () => {
    const engine = await sandboxed();
    await engine.apply([remove(gone)]);
    const fresh = createMemoryEngine();
    await fresh.apply(left.map(create));
    assert.deepEqual(engine.state(), fresh.state());
  });
}

test("a bridge lets go of its ports", async () => {
  const engine = await sandboxed();
  await engine.apply([remove(bridge)]);
  const { master: _master, ...alone } = veth;
  assert.deepEqual(engine.state()["link host veth0"], alone);
});

test("what vanished behind the engine's back may be deleted", async () => {
  const engine = await sandboxed();
  engine.vanish(veth);
  assert.deepEqual(await engine.observe(sandbox), [namespace, bridge]);
  await engine.apply([remove(route), remove(address), remove(veth)]);
});

test("a sysctl goes back to its original value, and its absence is told", async () => {
  const engine = createMemoryEngine({ foreign: { sysctls: { "net/ipv4/ip_forward": "7" } } });
  const forward: Sysctl = { kind: "sysctl", namespace: "host", name: "net/ipv4/ip_forward", value: "1", original: "7" };
  assert.deepEqual(await engine.readSysctls("host", [forward.name, "net/ipv4/conf/none/forwarding"]), ["7", undefined]);
  await engine.apply([create(forward)]);
  assert.deepEqual(await engine.readSysctls("host", [forward.name]), ["1"]);
  await engine.apply([remove(forward)]);
  assert.deepEqual(engine.state(), {});
});

test("facts tell foreign things beside ours", async () => {
  const engine = createMemoryEngine({
    foreign: {
      links: [{ name: "uplink", type: "" }],
      addresses: [{ link: "uplink", address: parseInterfaceAddress("192.0.2.2/24") }],
    },
  });
  await engine.apply([create(bridge)]);
  const { links, addresses, routes } = await engine.facts("host");
  assert.deepEqual(
    links.map(({ name }) => name),
    ["lo", "uplink", "br0"],
  );
  assert.deepEqual(
    addresses.map(({ subnet }) => subnet),
    ["192.0.2.0/24"],
  );
  assert.deepEqual(routes, [{ destination: "192.0.2.0/24", link: "uplink" }]);
  await assert.rejects(engine.facts("/run/none"), { code: "not-found" });
});

test("a fault refuses the change that it is armed for, and the plan comes to nothing", async () => {
  const faults = new Faults();
  const engine = createMemoryEngine({ faults });
  for (let at = 1; at <= sandbox.length; at++) {
    faults.arm({ at, errno: "ENOMEM" });
    await assert.rejects(engine.apply(sandbox.map(create)), { code: "kernel" });
    assert.deepEqual([engine.state(), faults.count], [{}, at]);
  }
  faults.arm({ at: sandbox.length + 1 });
  await engine.apply(sandbox.map(create));
  assert.equal(faults.struck, undefined);
});
