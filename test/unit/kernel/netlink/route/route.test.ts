import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSubnet, type Subnet } from "../../../../../src/address/cidr.ts";
import { parseIp } from "../../../../../src/address/ip.ts";
import {
  createRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  type RouteMetrics,
  type RouteOptions,
  type RouteType,
} from "../../../../../src/kernel/netlink/route/route.ts";
import type { Scope } from "../../../../../src/kernel/netlink/route/scope.ts";
import { anyIp, family, index, ip, maybe, record, subnet, u8, u32 } from "./arbitraries.ts";

const metrics: fc.Arbitrary<RouteMetrics> = fc.record(
  {
    mtu: u32,
    lock: u32,
    advertisedSegmentSize: u32,
    hopLimit: u32,
    initialCongestionWindow: u32,
    quickAcknowledge: u32,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const nextHop = record({
  gateway: maybe(anyIp),
  link: maybe(index),
  weight: fc.integer({ min: 1, max: 256 }),
  onLink: fc.boolean(),
});
const options = family.chain((of) =>
  record({
    family: fc.constant(of),
    destination: fc.oneof(fc.constant("default" as const), subnet(of)),
    type: maybe(fc.constantFrom<RouteType>("unicast", "local", "blackhole", "unreachable", "prohibit", "throw")),
    gateway: maybe(anyIp),
    link: maybe(index),
    onLink: fc.boolean(),
    nextHops: maybe(fc.array(nextHop, { maxLength: 4 })),
    source: maybe(ip(of)),
    table: maybe(fc.oneof(u8, u32)),
    metric: maybe(u32),
    scope: maybe(fc.constantFrom<Scope>("universe", "site", "link", "host", "nowhere", 17)),
    protocol: maybe(u8),
    metrics: maybe(metrics),
  }),
) satisfies fc.Arbitrary<RouteOptions>;

test("a route request reads back as the route it describes", () => {
  fc.assert(
    fc.property(options, (route) => {
      const decoded = decodeRoute(createRoute(route));
      assert.deepEqual(decoded, {
        ...route,
        from: undefined,
        type: route.type ?? "unicast",
        table: route.table ?? 254,
        scope: route.scope ?? decoded?.scope,
        protocol: route.protocol ?? 0,
        flags: route.onLink ? 4 : 0,
      });
    }),
  );
});

const destination: Subnet = parseSubnet("10.1.0.0/16");
const gateway = parseIp("10.0.0.1");
const scopes: readonly { readonly name: string; readonly route: RouteOptions; readonly want: Scope }[] = [
  { name: "a route over a link", route: { family: 4, destination, link: 2 }, want: "link" },
  { name: "a route by a gateway", route: { family: 4, destination, gateway }, want: "universe" },
  { name: "a route with several ways", route: { family: 4, destination, nextHops: [{ gateway }] }, want: "universe" },
  { name: "a local route", route: { family: 4, destination, link: 1, type: "local" }, want: "host" },
  { name: "a broadcast route", route: { family: 4, destination, link: 2, type: "broadcast" }, want: "link" },
  { name: "a blackhole", route: { family: 4, destination, type: "blackhole" }, want: "universe" },
  { name: "an IPv6 route", route: { family: 6, destination: parseSubnet("fd00::/64"), link: 2 }, want: "universe" },
];
for (const { name, route, want } of scopes) {
  test(`${name} has scope ${want}`, () => assert.equal(decodeRoute(createRoute(route))?.scope, want));
}

test("a deletion that says neither type nor scope means any", () => {
  const route = decodeRoute(deleteRoute({ family: 4, destination, protocol: 112 }));
  assert.deepEqual([route?.type, route?.scope, route?.protocol], ["unspecified", "nowhere", 112]);
});

test("a table beyond 255 is told by its attribute, one below by the header alone", () => {
  assert.equal(createRoute({ family: 4, destination, table: 255 }).body[4], 255);
  assert.equal(createRoute({ family: 4, destination, table: 256 }).body[4], 0);
  assert.equal(decodeRoute(createRoute({ family: 4, destination, table: 256 }))?.table, 256);
});

test("a dump filters by table, origin, type and link", () => {
  const filter = { table: 1000, protocol: 112, type: "unicast", link: 3 } as const;
  const route = decodeRoute(dumpRoutes(4, filter));
  assert.deepEqual([route?.table, route?.protocol, route?.type, route?.link], [1000, 112, "unicast", 3]);
});

test("routes of other families are passed over", () => {
  assert.equal(decodeRoute({ body: Uint8Array.from([128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }), undefined);
});
