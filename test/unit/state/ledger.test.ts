import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseMac } from "../../../src/address/mac.ts";
import { keyOf } from "../../../src/state/kinds/registry.ts";
import { type Descriptions, Ledger, type Owner } from "../../../src/state/ledger.ts";
import type { KernelObject, Sysctl } from "../../../src/state/objects.ts";
import { isAsDesired, plan } from "../../../src/state/plan.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";

const sysctl: Sysctl = { kind: "sysctl", namespace: "host", name: "net/ipv4/ip_forward", value: "1" };
const table: KernelObject = { kind: "nft-table", namespace: "host", name: "t" };
const bridge = (name: string, mtu?: number): KernelObject => ({
  kind: "link",
  type: "bridge",
  namespace: "host",
  name,
  up: true,
  ...(mtu !== undefined && { mtu }),
});

function commit(ledger: Ledger, ...descriptions: readonly (readonly [Owner, readonly KernelObject[] | undefined])[]) {
  const proposal = ledger.propose(new Map(descriptions));
  proposal.commit();
  return proposal.plan;
}

test("an object that several owners want comes with the first and goes with the last", () => {
  const ledger = new Ledger();
  assert.deepEqual(commit(ledger, ["network:a", [table]]), [{ action: "create", object: table }]);
  assert.deepEqual(commit(ledger, ["network:b", [table]]), []);
  assert.deepEqual(commit(ledger, ["network:a", undefined]), []);
  assert.deepEqual(commit(ledger, ["network:b", undefined]), [{ action: "delete", object: table }]);
  assert.deepEqual(ledger.all(), []);
});

test("an object that changes hands in one proposal stays", () => {
  const ledger = new Ledger();
  commit(ledger, ["network:a", [table]]);
  assert.deepEqual(commit(ledger, ["network:a", undefined], ["network:b", [table]]), []);
  assert.deepEqual([ledger.of("network:a"), ledger.of("network:b")], [[], [table]]);
});

test("a proposal that is not committed leaves no trace", () => {
  const ledger = new Ledger();
  commit(ledger, ["network:a", [table]]);
  ledger.propose(new Map([["network:a", undefined]]) as Descriptions);
  ledger.propose(new Map([["network:b", [sysctl]]]) as Descriptions);
  assert.deepEqual([ledger.all(), ledger.of("network:a"), ledger.of("network:b")], [[table], [table], []]);
});

test("owners that want different things of one object are told so, with the object", () => {
  const ledger = new Ledger();
  commit(ledger, ["network:a", [bridge("br0", 1400)]]);
  assert.throws(() => ledger.propose(new Map([["network:b", [bridge("br0", 1500)]]])), {
    code: "internal",
    object: "bridge link br0 in the host",
  });
  assert.throws(() => ledger.propose(new Map([["network:b", [bridge("br0")]]])), { code: "internal" });
});

test("an owner that is alone may change what it wants, and so may all owners together", () => {
  const ledger = new Ledger();
  commit(ledger, ["network:a", [bridge("br0", 1400)]], ["network:b", [bridge("br0", 1400)]]);
  const changes = commit(ledger, ["network:a", [bridge("br0", 1500)]], ["network:b", [bridge("br0", 1500)]]);
  assert.deepEqual(
    changes.map(({ action }) => action),
    ["update"],
  );
  commit(ledger, ["network:a", undefined]);
  assert.equal(commit(ledger, ["network:b", [bridge("br0", 1300)]])[0]?.action, "update");
});

test("the value to go back to stays known whoever comes and goes", () => {
  const ledger = new Ledger();
  const first: Sysctl = { ...sysctl, original: "0" };
  commit(ledger, ["network:a", [first]]);
  commit(ledger, ["network:b", [sysctl]]);
  commit(ledger, ["network:a", undefined]);
  assert.deepEqual(commit(ledger, ["network:b", undefined]), [{ action: "delete", object: first }]);
});

test("what another owner's object goes along with is made anew with it", () => {
  const ledger = new Ledger();
  const veth = (last: number): KernelObject => ({
    kind: "link",
    type: "veth",
    namespace: "host",
    name: "veth0",
    up: true,
    peer: { namespace: "/run/a", name: "eth0", up: true, mac: parseMac(`02:00:00:00:00:0${last}`) },
  });
  const setting: KernelObject = {
    kind: "sysctl",
    namespace: "/run/a",
    name: "net/ipv6/conf/eth0/accept_ra",
    value: "1",
  };
  commit(ledger, ["endpoint:e", [veth(1)]], ["sandbox:s", [setting]], ["network:n", [table]]);
  assert.deepEqual(
    commit(ledger, ["endpoint:e", [veth(2)]]).map(({ action, object }) => `${action} ${object.kind}`),
    ["delete sysctl", "delete link", "create link", "create sysctl"],
  );
});

/** Objects of which any may be wanted beside any others. */
const wanted: readonly KernelObject[] = [
  table,
  bridge("br0"),
  bridge("br1"),
  { kind: "sysctl", namespace: "host", name: "net/ipv4/ip_forward", value: "1", original: "0" },
  { kind: "file", path: "/run/a", content: "a", mode: 0o644 },
  { kind: "namespace", path: "/run/n" },
  { kind: "rule", namespace: "host", family: 4, priority: 5, table: 100 },
];

test("whoever comes and goes, the kernel has what somebody wants and nothing else", async () => {
  const owner = fc.constantFrom<Owner>("network:a", "network:b", "endpoint:c", "sandbox:d");
  const description = fc.tuple(owner, fc.option(fc.subarray([...wanted]), { nil: undefined }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.array(description, { maxLength: 3 }), fc.boolean())), async (steps) => {
      const ledger = new Ledger();
      const engine = createMemoryEngine();
      const model = new Map<Owner, readonly KernelObject[]>();
      for (const [descriptions, kept] of steps) {
        const proposal = ledger.propose(new Map(descriptions));
        if (!kept) continue;
        await engine.apply(proposal.plan);
        proposal.commit();
        for (const [who, objects] of new Map(descriptions)) model.set(who, objects ?? []);
        const all = new Map([...model.values()].flat().map((object) => [keyOf(object), object]));
        assert.deepEqual(new Set(ledger.all().map(keyOf)), new Set(all.keys()));
        const state = Object.keys(engine.state()).filter((key) => !key.startsWith("sysctl"));
        assert.deepEqual(new Set(state), new Set([...all.keys()].filter((key) => !key.startsWith("sysctl"))));
        assert.deepEqual(plan(ledger.all(), await engine.observe(ledger.all())), []);
        for (const [who, objects] of model) {
          const of = ledger.of(who);
          assert.equal(of.length, objects.length);
          assert.ok(of.every((object, at) => objects[at] !== undefined && isAsDesired(object, objects[at])));
        }
      }
    }),
    { numRuns: 100 },
  );
});
