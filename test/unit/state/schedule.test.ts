import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { keyOf, kindOf } from "../../../src/state/kinds/registry.ts";
import type { KernelObject } from "../../../src/state/objects.ts";
import { plan } from "../../../src/state/plan.ts";
import type { Plan } from "../../../src/state/plan-types.ts";
import { type Batch, schedule } from "../../../src/state/schedule.ts";
import { state } from "./arbitraries.ts";

const runs = { numRuns: 60 };

/** Indexes of the changes that a batch works on, a change as often as it has steps in it. */
const changesOf = (batch: Batch): readonly number[] =>
  batch.type === "call" ? [batch.part.change] : batch.parts.map(({ change }) => change);

/** Where the first and the last step of each change stand: batch, then place in the batch. */
function places(batches: readonly Batch[]) {
  const found = new Map<number, { first: number; last: number }>();
  let at = 0;
  for (const batch of batches) {
    for (const change of changesOf(batch)) {
      at++;
      const place = found.getOrInsertComputed(change, () => ({ first: at, last: at }));
      place.last = at;
    }
  }
  return found;
}

const keysOf = (object: KernelObject): readonly string[] => [
  keyOf(object),
  ...(kindOf(object).provides?.(object) ?? []),
];

/** Pairs of changes of which the first has to be done before the second begins. */
function* dependencies(changes: Plan): Generator<readonly [number, number]> {
  for (const [at, { action, object }] of changes.entries()) {
    const references = kindOf(object).references(object);
    for (const [other, change] of changes.entries()) {
      if (!keysOf(change.object).some((key) => references.includes(key))) continue;
      if (object.kind.startsWith("nft-") !== change.object.kind.startsWith("nft-")) continue;
      if (action === "delete" && change.action === "delete") yield [at, other];
      // A sysctl of a link is set as soon as the link is born, and before it is up; so are some properties.
      else if (
        action === "create" &&
        change.action === "create" &&
        object.kind !== "sysctl" &&
        object.kind !== "link-setting"
      )
        yield [other, at];
    }
  }
}

test("every step of every change is in exactly one batch", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = plan(after, before);
      const removed = new Set(
        changes.flatMap(({ action, object }) =>
          action === "delete" && object.kind === "namespace" ? [object.path] : [],
        ),
      );
      const leaving = new Set(
        changes.flatMap(({ action, object }) =>
          action === "delete" && object.kind === "moved-link" ? [`${object.namespace} ${object.newName}`] : [],
        ),
      );
      const found = places(schedule(changes));
      changes.forEach(({ action, object }, at) => {
        const kind = kindOf(object);
        // Links of the host come home before, as they were.
        const goesAlong =
          action === "delete" &&
          object.kind !== "moved-link" &&
          !(object.kind === "link-setting" && leaving.has(`${object.namespace} ${object.link}`)) &&
          "namespace" in object &&
          removed.has(object.namespace as `/${string}`); // a set of paths holds "host" never
        const has = (action === "delete" ? kind.delete(object) : kind.create(object)).length > 0 && !goesAlong;
        if (action !== "update") assert.equal(found.has(at), has, `${action} ${keyOf(object)}`);
      });
    }),
    runs,
  );
});

test("no step is before those that it needs", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const changes = plan(after, before);
      const found = places(schedule(changes));
      for (const [earlier, later] of dependencies(changes)) {
        const [one, other] = [found.get(earlier), found.get(later)];
        if (one === undefined || other === undefined || earlier === later) continue;
        const words = [earlier, later].map(
          (at) => `${changes[at]?.action} ${keyOf(changes[at]?.object as KernelObject)}`,
        ); // both are indexes of the plan
        assert.ok(one.last < other.first, `${words[0]} is not done before ${words[1]}`);
      }
    }),
    runs,
  );
});

test("nothing comes behind the end of a namespace but other ends", () => {
  fc.assert(
    fc.property(state, (before) => {
      const changes = plan([], before);
      const order = schedule(changes).map((batch) => changes[changesOf(batch)[0] ?? 0]?.object.kind);
      const first = order.indexOf("namespace");
      if (first !== -1)
        assert.ok(
          order.slice(first).every((kind) => kind === "namespace"),
          order.join(" "),
        );
    }),
    runs,
  );
});

test("the steps of a batch are of its namespace, and nft steps of one namespace are one batch", () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const batches = schedule(plan(after, before));
      for (const batch of batches) {
        if (batch.type === "call") continue;
        assert.ok(batch.parts.length > 0);
        assert.ok(batch.parts.every(({ step }) => step.namespace === batch.namespace));
      }
      const transactions = batches.filter(({ type }) => type === "nft");
      assert.ok(transactions.length <= 1);
    }),
    runs,
  );
});

test("the firewall stands before traffic and goes after it", () => {
  const bridge: KernelObject = { kind: "link", type: "bridge", namespace: "host", name: "br0", up: true };
  const table: KernelObject = { kind: "nft-table", namespace: "host", name: "t" };
  const kinds = (changes: Plan) => schedule(changes).map(({ type }) => type);
  assert.deepEqual(kinds(plan([bridge, table], [])).slice(0, 1), ["nft"]);
  assert.deepEqual(kinds(plan([], [bridge, table])).slice(-1), ["nft"]);
});

test("an endpoint takes few sends", () => {
  const path = "/run/a";
  const objects: readonly KernelObject[] = [
    {
      kind: "link",
      type: "veth",
      namespace: "host",
      name: "veth0",
      up: true,
      master: "br0",
      peer: { namespace: path, name: "eth0", up: true },
    },
    { kind: "sysctl", namespace: path, name: "net/ipv6/conf/eth0/disable_ipv6", value: "0" },
    { kind: "address", namespace: path, link: "eth0", address: parseInterfaceAddress("10.1.0.2/24") },
    { kind: "route", namespace: path, family: 4, destination: "default", gateway: parseIp("10.1.0.1"), link: "eth0" },
  ];
  const shape = (batches: readonly Batch[]) =>
    batches.map((batch) => (batch.type === "call" ? "call" : `${batch.namespace} ${batch.parts.length}`));
  // The veth, its sysctl, its settings, and all that is inside.
  assert.deepEqual(shape(schedule(plan(objects, []))), ["host 1", "call", "host 1", "/run/a 3"]);
});
