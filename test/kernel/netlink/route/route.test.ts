import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../../src/address/cidr.ts";
import { parseIp } from "../../../../src/address/ip.ts";
import { createAddress } from "../../../../src/kernel/netlink/route/address.ts";
import { createLink } from "../../../../src/kernel/netlink/route/link.ts";
import {
  createRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  type RouteOptions,
} from "../../../../src/kernel/netlink/route/route.ts";
import { assertHas, dump, json, link, refusal, run, send, skipIp } from "./host.ts";

send(createLink({ name: "br0", up: true, data: { kind: "bridge" } }));
const on = link("br0").index;
send(createAddress({ link: on, address: parseInterfaceAddress("10.1.0.1/16") }));
send(createAddress({ link: on, address: parseInterfaceAddress("fd00::1/64"), flags: 2 }));

const v4 = parseSubnet("10.5.0.0/16");
const v6 = parseSubnet("fd05::/64");
const protocol = 112;

const cases: readonly { readonly name: string; readonly ours: RouteOptions; readonly theirs: string }[] = [
  {
    name: "a route by a gateway with a locked MTU",
    ours: { family: 4, destination: v4, gateway: parseIp("10.1.0.9"), protocol, metrics: { lock: 4, mtu: 1300 } },
    theirs: "10.5.0.0/16 via 10.1.0.9 proto 112 mtu lock 1300",
  },
  {
    name: "a default route with a gateway that no address reaches, a metric and a source",
    ours: {
      family: 4,
      destination: "default",
      gateway: parseIp("192.0.2.1"),
      link: on,
      onLink: true,
      source: parseIp("10.1.0.1"),
      metric: 50,
      protocol,
    },
    theirs: "default via 192.0.2.1 dev br0 onlink src 10.1.0.1 metric 50 proto 112",
  },
  {
    name: "a route over a link in a table beyond 255",
    ours: { family: 4, destination: v4, link: on, table: 70000, protocol },
    theirs: "10.5.0.0/16 dev br0 table 70000 proto 112",
  },
  {
    name: "a route by an IPv6 gateway",
    ours: { family: 4, destination: v4, gateway: parseIp("fd00::9"), link: on, protocol },
    theirs: "10.5.0.0/16 via inet6 fd00::9 dev br0 proto 112",
  },
  {
    name: "a local route",
    ours: { family: 4, destination: v4, type: "local", link: on, table: 255, protocol },
    theirs: "local 10.5.0.0/16 dev br0 table local proto 112",
  },
  {
    name: "a blackhole",
    ours: { family: 4, destination: v4, type: "blackhole", protocol },
    theirs: "blackhole 10.5.0.0/16 proto 112",
  },
  {
    name: "a route with several ways",
    ours: {
      family: 4,
      destination: v4,
      nextHops: [
        { gateway: parseIp("10.1.0.2"), link: on, weight: 3, onLink: false },
        { gateway: parseIp("192.0.2.9"), link: on, weight: 1, onLink: true },
      ],
      protocol,
    },
    theirs: "10.5.0.0/16 proto 112 nexthop via 10.1.0.2 weight 3 nexthop via 192.0.2.9 dev br0 weight 1 onlink",
  },
  {
    name: "an IPv6 route by a gateway with an MTU",
    ours: { family: 6, destination: v6, gateway: parseIp("fd00::9"), metric: 7, protocol, metrics: { mtu: 1300 } },
    theirs: "fd05::/64 via fd00::9 metric 7 proto 112 mtu 1300",
  },
  {
    name: "an IPv6 default route by a link-local gateway in another table",
    ours: { family: 6, destination: "default", gateway: parseIp("fe80::1"), link: on, table: 1000, protocol },
    theirs: "default via fe80::1 dev br0 table 1000 proto 112",
  },
  {
    name: "an IPv6 unreachable route",
    ours: { family: 6, destination: v6, type: "unreachable", metric: 9, protocol },
    theirs: "unreachable fd05::/64 metric 9 proto 112",
  },
  {
    name: "an IPv6 route with several ways",
    ours: {
      family: 6,
      destination: v6,
      nextHops: [
        { gateway: parseIp("fd00::2"), link: on, weight: 3, onLink: false },
        { gateway: parseIp("fd00::3"), link: on, weight: 1, onLink: false },
      ],
      protocol,
    },
    theirs: "fd05::/64 proto 112 nexthop via fd00::2 weight 3 nexthop via fd00::3 weight 1",
  },
];

for (const { name, ours, theirs } of cases) {
  test(`${name} is made as \`ip\` makes it`, { skip: skipIp }, () => {
    const seen = () => ({
      ours: dump(dumpRoutes(ours.family, { protocol }), decodeRoute),
      theirs: json(`ip -${ours.family} route show table all proto 112`),
    });
    send(createRoute(ours));
    const made = seen();
    assert.equal(made.ours.length, 1);
    assertHas(made.ours[0], { table: 254, ...ours });
    send(deleteRoute(ours));
    assert.deepEqual(seen().ours, []);
    run(`ip -${ours.family} route add ${theirs}`);
    assert.deepEqual(seen(), made);
    send(deleteRoute({ family: ours.family, destination: ours.destination, table: ours.table, protocol }));
    assert.deepEqual(seen().ours, []);
  });
}

for (const destination of [v4, v6]) {
  const family = destination === v4 ? 4 : 6;
  test(`an IPv${family} route of another origin is not deleted with ours`, () => {
    const route = { family, destination, link: on } as const;
    send(createRoute({ ...route, protocol: 4 }));
    assert.equal(refusal(deleteRoute({ ...route, protocol })), "ESRCH");
    send(deleteRoute({ ...route, protocol: 4 }));
  });
}

test("a dump tells the routes of a table, a type or a link alone", () => {
  const destinations = (filter: Parameters<typeof dumpRoutes>[1]) =>
    dump(dumpRoutes(4, filter), decodeRoute).map((route) => route.destination);
  send(createRoute({ family: 4, destination: v4, link: on, table: 1000 }));
  assert.deepEqual(destinations({ table: 1000 }), [v4]);
  assert.deepEqual(destinations({ table: 1000, link: on }), [v4]);
  assert.deepEqual(destinations({ table: 1000, type: "blackhole" }), []);
  assert.deepEqual(destinations({ table: 254, link: on }), ["10.1.0.0/16"]);
  send(deleteRoute({ family: 4, destination: v4, table: 1000 }));
});

test("a route is made once, unless it replaces the one that is there", () => {
  const route = { family: 4, destination: v4, gateway: parseIp("10.1.0.9"), protocol } as const;
  send(createRoute(route));
  assert.equal(refusal(createRoute({ ...route, gateway: parseIp("10.1.0.8") })), "EEXIST");
  send(createRoute({ ...route, gateway: parseIp("10.1.0.8") }, "replace"));
  const routes = dump(dumpRoutes(4, { protocol }), decodeRoute);
  assert.deepEqual(
    routes.map(({ gateway }) => gateway),
    ["10.1.0.8"],
  );
  send(deleteRoute({ family: 4, destination: v4, protocol }));
});
