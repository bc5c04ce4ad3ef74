import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { nftElement } from "../../../src/state/nft/elements.ts";
import { accept, rule } from "../../../src/state/nft/statements.ts";
import type {
  BridgeLink,
  KernelObject,
  NftChain,
  NftRule,
  NftSet,
  NftTable,
  Route,
  VethLink,
} from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { state } from "./arbitraries.ts";

const path = "/run/a";
const namespace: KernelObject = { kind: "namespace", path };
const veth: VethLink = {
  kind: "link",
  type: "veth",
  namespace: "host",
  name: "veth0",
  up: true,
  peer: { namespace: path, name: "eth0", up: true },
};
const inside: readonly KernelObject[] = [
  { kind: "address", namespace: path, link: "eth0", address: parseInterfaceAddress("10.1.0.2/24") },
  { kind: "route", namespace: path, family: 4, destination: "default", gateway: parseIp("10.1.0.1"), link: "eth0" },
];

const where = { namespace: "host", table: "t" } as const;
const table: NftTable = { kind: "nft-table", namespace: "host", name: "t" };
const chain: NftChain = { kind: "nft-chain", ...where, name: "c" };
const set: NftSet = { kind: "nft-set", ...where, name: "s", key: ["ifname"] };
const ruleOf = (id: string): NftRule => ({
  kind: "nft-rule",
  ...where,
  chain: "c",
  id,
  position: 10,
  expressions: rule(accept()),
});

test("an empty plan is no command", () => assert.deepEqual(renderPlan([]), []));

test("a port that alone is to be otherwise is told nothing else", () => {
  const port: VethLink = { ...veth, master: "br0" };
  const [on, off]: readonly VethLink[] = [true, false].map((hairpin) => ({ ...port, port: { hairpin } }));
  assert.ok(on && off);
  const command = (mode: string) => [`bridge link set dev veth0 hairpin ${mode}`];
  assert.deepEqual(renderPlan(plan([on], [port])), command("on"));
  assert.deepEqual(renderPlan(inversePlan(plan([on], [port]))), command("off"));
  assert.deepEqual(renderPlan(plan([off], [on])), command("off"));
  const elsewhere: KernelObject = { ...port, master: "br1", port: { hairpin: true } };
  assert.match(renderPlan(plan([elsewhere], [port])).join("\n"), /master br1.*\n.*hairpin on/);
});

test("commands come in the plan's order, those of a sandbox inside it", () => {
  assert.deepEqual(renderPlan(plan([...inside, veth, namespace], [])), [
    "mkdir -p /run && touch /run/a && unshare --net=/run/a true",
    "nsenter --net=/run/a ip link set lo up",
    ...renderPlan(plan([veth], [])),
    "nsenter --net=/run/a ip address add 10.1.0.2/24 dev eth0",
    "nsenter --net=/run/a ip route add default via 10.1.0.1 dev eth0 proto 112",
  ]);
});

test("a route's limits are told with it, and again when they change", () => {
  const route: Route = { kind: "route", namespace: "host", family: 4, destination: "default", link: "eth0", mtu: 1400 };
  assert.deepEqual(renderPlan(plan([{ ...route, advertisedMss: 1300 }], [])), [
    "ip route add default dev eth0 proto 112 mtu 1400 advmss 1300",
  ]);
  assert.deepEqual(renderPlan(plan([{ ...route, mtu: 1300 }], [route])), [
    "ip route replace default dev eth0 proto 112 mtu 1300",
  ]);
});

test("VLANs of a bridge and its ports are told as `bridge` tells them", () => {
  const of = { kind: "bridge-vlan", namespace: "host", id: 10 } as const;
  const port = { ...of, link: "veth0", untagged: true, pvid: true } as const;
  const tagged = { ...port, untagged: false, pvid: false };
  const itself = { ...of, link: "br0", self: true, untagged: false, pvid: false } as const;
  assert.deepEqual(renderPlan(plan([port, itself], [])), [
    "bridge vlan add dev veth0 vid 10 pvid untagged",
    "bridge vlan add dev br0 vid 10 self",
  ]);
  assert.deepEqual(renderPlan(plan([tagged], [port])), ["bridge vlan add dev veth0 vid 10"]);
  assert.deepEqual(renderPlan(plan([], [port, itself])).toSorted(), [
    "bridge vlan delete dev br0 vid 10 self",
    "bridge vlan delete dev veth0 vid 10",
  ]);
  const bridge: BridgeLink = { kind: "link", type: "bridge", namespace: "host", name: "br0", up: true };
  const [line] = renderPlan(plan([{ ...bridge, vlanFiltering: true, defaultVlan: 0 }], []));
  assert.match(line ?? "", / type bridge vlan_filtering 1 vlan_default_pvid 0$/);
});

test("VRFs and dummies are made in their namespace", () => {
  const base = { kind: "link", namespace: path, up: true } as const;
  const objects: readonly KernelObject[] = [
    { ...base, type: "vrf", name: "red", table: 100 },
    { ...base, type: "dummy", name: "d0", mtu: 1400 },
  ];
  assert.deepEqual(renderPlan(plan(objects, [])), [
    "nsenter --net=/run/a ip link add red group 1886351988 type vrf table 100",
    "nsenter --net=/run/a ip link set red alias portolan:red up",
    "nsenter --net=/run/a ip link add d0 mtu 1400 group 1886351988 type dummy",
    "nsenter --net=/run/a ip link set d0 alias portolan:d0 up",
  ]);
});

test("what is in a namespace that goes is not taken away by itself", () => {
  assert.deepEqual(renderPlan(plan([], [...inside, veth, namespace])), [
    "ip link delete veth0",
    "umount /run/a && rm /run/a",
  ]);
});

test("what is in a table that goes is not taken away by itself", () => {
  const objects = [table, chain, set, ruleOf("r"), nftElement(set, ["br0"])];
  assert.deepEqual(renderPlan(plan([], objects)), ["nft delete table inet t"]);
});

test("elements of a set share a command, those of another have their own", () => {
  const other: NftSet = { ...set, name: "o" };
  const objects = [set, other].flatMap((of) => ["br0", "br1"].map((name) => nftElement(of, [name])));
  const added = renderPlan(plan([set, other, table, ...objects], [set, other, table]));
  assert.equal(added.length, 2);
  assert.match(added[0] ?? "", /element inet t s .*br0.*br1/);
  assert.match(added[1] ?? "", /element inet t o .*br0.*br1/);
  assert.equal(renderPlan(plan([set, other, table], [set, other, table, ...objects])).length, 2);
});

test("a rule of a chain that was there looks for its place, one of a new chain does not", () => {
  const [added = ""] = renderPlan(plan([table, chain, ruleOf("r")], [table, chain]));
  const fresh = renderPlan(plan([table, chain, ruleOf("r")], [])).at(-1) ?? "";
  assert.notEqual(added, fresh);
  assert.match(fresh, /^nft add rule inet t c 'accept /);
});

test("every plan has commands, one line each, and the same ones each time", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = plan(after, before);
      const lines = renderPlan(changes);
      assert.deepEqual(renderPlan(changes), lines);
      for (const line of lines) {
        assert.doesNotMatch(line, /undefined|\[object|NaN/);
        // The text of a file may have lines of its own.
        if (!line.includes("printf")) assert.doesNotMatch(line, /\n/);
      }
    }),
    { numRuns: 50 },
  );
});
