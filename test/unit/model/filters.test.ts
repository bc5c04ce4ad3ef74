import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../src/errors.ts";
import { endpointFilters, filtered, networkFilters, sandboxFilters } from "../../../src/model/filters.ts";
import type { EndpointInfo, Filters, NetworkInfo } from "../../../src/model/types.ts";
import { plainEndpoint, plainNetwork, plainSandbox } from "../../support/plain-infos.ts";

const endpoint = (name: string, sandbox?: string): EndpointInfo =>
  plainEndpoint(name, sandbox === undefined ? {} : { sandbox: { id: `s${sandbox}`, name: sandbox } });
const network = (name: string, changes: Partial<NetworkInfo> = {}): NetworkInfo =>
  plainNetwork(name, { id: `id-${name}`, ...changes });

const networks = [
  network("bridge"),
  network("host", { driver: "host" }),
  network("front", { labels: { tier: "web", empty: "" }, endpoints: [endpoint("web")] }),
  network("front-2", { labels: { tier: "db=1" } }),
];

const cases: readonly (readonly [string, Filters, readonly string[]])[] = [
  ["no filter", {}, ["bridge", "host", "front", "front-2"]],
  ["a driver", { driver: ["host"] }, ["host"]],
  ["one of two drivers", { driver: ["host", "bridge"] }, ["bridge", "host", "front", "front-2"]],
  ["a part of a name", { name: ["ron"] }, ["front", "front-2"]],
  ["the beginning of an id", { id: ["id-f"] }, ["front", "front-2"]],
  ["the middle of an id", { id: ["d-f"] }, []],
  ["a label's key", { label: ["tier"] }, ["front", "front-2"]],
  ["a label's value", { label: ["tier=web"] }, ["front"]],
  ["a label's value with an equals sign", { label: ["tier=db=1"] }, ["front-2"]],
  ["an empty label", { label: ["empty="] }, ["front"]],
  ["a label that every object inherits", { label: ["toString"] }, []],
  ["predefined ones", { type: ["builtin"] }, ["bridge", "host"]],
  ["custom ones", { type: ["custom"] }, ["front", "front-2"]],
  ["unused ones", { dangling: ["true"] }, ["front-2"]],
  ["used ones", { dangling: ["0"] }, ["bridge", "host", "front"]],
  ["several keys at once", { type: ["custom"], label: ["tier=web"] }, ["front"]],
  ["a key without values", { driver: [] }, []],
  ["a scope", { scope: ["global"] }, []],
];

for (const [what, filters, want] of cases) {
  test(`networks are filtered by ${what}`, () => {
    assert.deepEqual(
      filtered(networks, filters, networkFilters).map(({ name }) => name),
      want,
    );
  });
}

test("endpoints and sandboxes are filtered by what they are joined to, by name or id", () => {
  const endpoints = [endpoint("a", "web"), endpoint("b")];
  const names = (filters: Filters) => filtered(endpoints, filters, endpointFilters).map(({ name }) => name);
  assert.deepEqual(
    [names({ sandbox: ["web"] }), names({ sandbox: ["sweb"] }), names({ sandbox: ["none"] })],
    [["a"], ["a"], []],
  );
  assert.deepEqual(
    [names({ network: ["front"] }), names({ network: ["network-front"] }), names({ network: ["fro"] })],
    [["a", "b"], ["a", "b"], []],
  );
  const sandbox = plainSandbox("web", { endpoints });
  assert.equal(filtered([sandbox], { network: ["front"] }, sandboxFilters).length, 1);
  assert.equal(filtered([sandbox], { network: ["back"] }, sandboxFilters).length, 0);
});

test("a filter that there is not is refused, with the nearest one", () => {
  assert.throws(
    () => filtered(networks, { drivr: ["bridge"] }, networkFilters),
    (error) => isPortolanError(error, "invalid-argument") && /did you mean "driver"/.test(error.advice ?? ""),
  );
  for (const key of ["__proto__", "constructor", "toString"])
    assert.throws(() => filtered([], { [key]: ["x"] }, networkFilters), { code: "invalid-argument" });
});

test("a value that a filter does not take is refused", () => {
  assert.throws(() => filtered(networks, { type: ["other"] }, networkFilters), { code: "invalid-argument" });
  assert.throws(() => filtered(networks, { dangling: ["maybe"] }, networkFilters), { code: "invalid-argument" });
});

test("more filters leave no more, and more values no less", () => {
  const value = fc.constantFrom("bridge", "host", "front", "b", "tier");
  const filters = fc.dictionary(fc.constantFrom("driver", "name", "label"), fc.array(value, { minLength: 1 }));
  fc.assert(
    fc.property(filters, fc.constantFrom("driver", "name", "label"), value, (some, key, more) => {
      const left = (wanted: Filters) => filtered(networks, wanted, networkFilters);
      if (!(key in some)) assert.ok(left({ ...some, [key]: [more] }).every((one) => left(some).includes(one)));
      else assert.ok(left(some).every((one) => left({ ...some, [key]: [...(some[key] ?? []), more] }).includes(one)));
    }),
  );
});
