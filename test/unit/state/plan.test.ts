import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { keyOf, kindOf } from "../../../src/state/kinds/registry.ts";
import { ipSaddr } from "../../../src/state/nft/selectors.ts";
import { accept, jump, lookup, rule } from "../../../src/state/nft/statements.ts";
import type { KernelObject, NftChain, VethLink } from "../../../src/state/objects.ts";
import { changesFor, inverseOf, inversePlan, isAsDesired, ordered, plan } from "../../../src/state/plan.ts";
import type { Change, Plan } from "../../../src/state/plan-types.ts";
import { createMemoryEngine, type MemoryEngine } from "../../support/memory-engine.ts";
import { foreign, state } from "./arbitraries.ts";

const runs = { numRuns: 60 };

async function engineWith(objects: readonly KernelObject[]): Promise<MemoryEngine> {
  const engine = createMemoryEngine({ foreign });
  await engine.apply(plan(objects, []));
  return engine;
}

/** Identities of what is there; settings are always there. */
const there = (objects: readonly KernelObject[]): readonly string[] =>
  objects
    .filter((object) => !isSetting(object))
    .map(keyOf)
    .toSorted();

const isSetting = ({ kind }: KernelObject): boolean => kind === "sysctl" || kind === "link-setting";

/** Brings an engine to `desired` in one go, and says how; `left` is what nobody wants any more. */
async function bring(
  engine: MemoryEngine,
  desired: readonly KernelObject[],
  left: readonly KernelObject[],
): Promise<Plan> {
  const changes = plan(desired, await engine.observe([...desired, ...left]));
  await engine.apply(changes);
  await assertIs(engine, desired, left);
  return changes;
}

/** Settings that are not wanted are there all the same, so they are not looked at. */
async function assertIs(engine: MemoryEngine, desired: readonly KernelObject[], left: readonly KernelObject[]) {
  const seen = await engine.observe([...desired, ...left.filter((object) => !isSetting(object))]);
  assert.deepEqual(plan(desired, seen), []);
  assert.deepEqual(there(engine.objects()), there(desired));
}

test("a plan makes what is wanted out of nothing, and nothing out of it", async () => {
  await fc.assert(
    fc.asyncProperty(state, async (desired) => {
      const engine = createMemoryEngine({ foreign });
      await bring(engine, desired, []);
      await bring(engine, [], desired);
      assert.deepEqual(there(engine.objects()), []);
    }),
    runs,
  );
});

test("a plan makes what is wanted out of what is there, in one go", async () => {
  await fc.assert(
    fc.asyncProperty(state, state, async (before, after) => {
      const engine = await engineWith(before);
      await bring(engine, after, before);
    }),
    runs,
  );
});

test("the inverse of a plan brings back what was there", async () => {
  await fc.assert(
    fc.asyncProperty(state, state, async (before, after) => {
      // A link that is wanted in a bridge, and then wherever it is, is let go by the bridge's end, which no plan has to say.
      const ports = new Map(
        before.map((object) => [keyOf(object), object.kind === "link" ? object.master : undefined]),
      );
      fc.pre(!after.some((one) => one.kind === "link" && one.master === undefined && ports.get(keyOf(one))));
      const engine = await engineWith(before);
      const changes = await bring(engine, after, before);
      await engine.apply(inversePlan(changes));
      await assertIs(engine, before, after);
    }),
    runs,
  );
});

test("what something else removed is made again, whatever went with it", async () => {
  await fc.assert(
    fc.asyncProperty(state, fc.nat(), async (desired, pick) => {
      const engine = await engineWith(desired);
      const gone = desired[pick % Math.max(1, desired.length)];
      if (gone !== undefined) engine.vanish(gone);
      await bring(engine, desired, []);
    }),
    runs,
  );
});

test("a plan between equal states is empty", () => {
  fc.assert(
    fc.property(state, (objects) => {
      assert.deepEqual(plan(objects, objects), []);
      assert.deepEqual(plan(objects, objects.toReversed()), []);
      for (const object of objects) assert.ok(isAsDesired(object, object));
    }),
    runs,
  );
});

test("every object comes behind those that it refers to, and goes before them", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = plan(after, before);
      const provided = changes.map(
        ({ object }) => new Set([keyOf(object), ...(kindOf(object).provides?.(object) ?? [])]),
      );
      changes.forEach(({ action, object }, at) => {
        for (const key of kindOf(object).references(object)) {
          changes.forEach((other, place) => {
            if (!provided[place]?.has(key)) return;
            if (action === "delete" && other.action === "delete")
              assert.ok(at < place, `${keyOf(object)} goes too late`);
            if (action !== "delete" && other.action !== "delete")
              assert.ok(place < at, `${keyOf(object)} comes too early`);
          });
        }
      });
      const lastDeletion = changes.findLastIndex(({ action }) => action === "delete");
      assert.ok(changes.slice(0, lastDeletion + 1).every(({ action }) => action === "delete"));
    }),
    runs,
  );
});

test("the order of a plan does not depend on the order of what it is made of, but for equals", () => {
  fc.assert(
    fc.property(state, (objects) => {
      const changes = plan(objects.toReversed(), []);
      assert.deepEqual(there(changes.map(({ object }) => object)), there(objects));
      assert.equal(ordered(changes).length, changes.length);
    }),
    runs,
  );
});

test("the inverse of an inverse is the change itself", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      for (const change of plan(after, before)) assert.deepEqual(inverseOf(inverseOf(change)), change);
    }),
    runs,
  );
});

const path = "/run/a";
const veth: VethLink = {
  kind: "link",
  type: "veth",
  namespace: "host",
  name: "veth0",
  up: true,
  peer: { namespace: path, name: "eth0", up: true, mac: parseMac("02:00:00:00:00:01") },
};

test("fields that are left to the kernel are not compared", () => {
  const observed: VethLink = { ...veth, mtu: 1500, mac: parseMac("02:00:00:00:00:09") };
  assert.deepEqual(changesFor(observed, veth), []);
  assert.equal(changesFor(veth, { ...veth, mtu: 1400 })[0]?.action, "update");
});

const words = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ action, object }) => `${action} ${keyOf(object)}`);

test("what goes with a link that has to be made again is made again", () => {
  const rest: readonly KernelObject[] = [
    { kind: "address", namespace: path, link: "eth0", address: parseInterfaceAddress("10.1.0.2/24") },
    { kind: "route", namespace: path, family: 4, destination: "default", gateway: parseIp("10.1.0.1"), link: "eth0" },
  ];
  const other: VethLink = { ...veth, peer: { ...veth.peer, mac: parseMac("02:00:00:00:00:02") } };
  assert.deepEqual(words(plan([veth, ...rest], [other, ...rest])), [
    "delete route /run/a 4 default 254 0",
    "delete address /run/a eth0 10.1.0.2/24",
    "delete link host veth0",
    "create link host veth0",
    "create address /run/a eth0 10.1.0.2/24",
    "create route /run/a 4 default 254 0",
  ]);
});

test("what a link loses as it joins a VRF is made again, after that", () => {
  const link = { namespace: path, link: "eth0" } as const;
  const rest: readonly KernelObject[] = [
    { kind: "address", ...link, address: parseInterfaceAddress("10.1.0.2/24") },
    { kind: "address", ...link, address: parseInterfaceAddress("fd00::2/64") },
    { kind: "route", ...link, family: 4, destination: "default", gateway: parseIp("10.1.0.1") },
    { kind: "address", ...link, link: "eth1", address: parseInterfaceAddress("fd00:1::2/64") },
  ];
  const master: KernelObject = { kind: "link-setting", ...link, setting: "master", value: "red", original: "" };
  const remade = ["route /run/a 4 default 254 0", "address /run/a eth0 fd00::2/64"];
  assert.deepEqual(words(plan([...rest, master], rest)), [
    ...remade.map((one) => `delete ${one}`),
    "create link-setting /run/a eth0 master",
    ...remade.toReversed().map((one) => `create ${one}`),
  ]);
  const mtu: KernelObject = { kind: "link-setting", ...link, setting: "mtu", value: "1400" };
  assert.deepEqual(words(plan([...rest, mtu], rest)), ["create link-setting /run/a eth0 mtu"]);
  const made = [veth, { kind: "namespace", path } as const, ...rest, master];
  assert.equal(plan(made, []).length, made.length);
});

test("what goes with a chain that has to be made again is made again, and so is what jumps to it", () => {
  const of = { namespace: "host", table: "t" } as const;
  const chain = (name: string, priority?: number): NftChain => ({
    kind: "nft-chain",
    ...of,
    name,
    ...(priority !== undefined && { base: { type: "filter", hook: "forward", priority, policy: "accept" } }),
  });
  const rest: readonly KernelObject[] = [
    { kind: "nft-table", namespace: "host", name: "t" },
    chain("other"),
    { kind: "nft-set", ...of, name: "s", key: ["ipv4_addr"] },
    {
      kind: "nft-rule",
      ...of,
      chain: "base",
      id: "r",
      position: 10,
      expressions: rule(lookup(ipSaddr(), "s"), accept()),
    },
    { kind: "nft-rule", ...of, chain: "other", id: "r", position: 10, expressions: rule(jump("base")) },
  ];
  assert.deepEqual(words(plan([...rest, chain("base", 0)], [...rest, chain("base", 10)])), [
    "delete nft-rule host t other r",
    "delete nft-rule host t base r",
    "delete nft-chain host t base",
    "create nft-chain host t base",
    "create nft-rule host t base r",
    "create nft-rule host t other r",
  ]);
});
