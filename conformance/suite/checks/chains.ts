/** Plugins one after another: what prevResult carries, and what each makes of it. */
import { check, type Entry, group } from "../check.ts";
import { bridge, hostLocal, macvlan, parentLink, ptp, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type JsonObject, list, text } from "../json.ts";
import { addressesOf, routesOf } from "../result.ts";
import type { Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const passing = "CNI 1.1 §2 ADD: prevResult";

/** Chained plugins with a configuration that changes nothing in the result. */
const chained: Readonly<Record<string, JsonObject>> = {
  portmap: {},
  firewall: {},
  tuning: { sysctl: { "net.core.somaxconn": "500" } },
  bandwidth: { ingressRate: 0, ingressBurst: 0, egressRate: 0, egressBurst: 0 },
  sbr: {},
  loopback: {},
};

const passesOn = ([type, config]: readonly [string, JsonObject]): readonly Entry[] => [
  check(
    "required",
    `${type} passes the previous result on as it is`,
    passing,
    { types: [...net, type], since: "0.3.0" },
    async (t) => {
      const c = await t.container();
      const made = await t.add(routedBridge(t, { dns: { nameservers: ["192.0.2.53"], search: ["example.org"] } }), c);
      const prevResult = { ...made, routes: list(made, "routes") };
      const call = type === "loopback" ? { ifname: "lo" } : {};
      equal(
        await t.add({ cniVersion: t.version, name: t.network, type, ...config, prevResult }, c, call),
        prevResult,
        "the result",
      );
    },
  ),
  check(
    "required",
    `${type} keeps mtu, pciID, socketPath and route fields of a previous result of 1.1.0`,
    passing,
    { types: [...net, type], version: "1.1.0" },
    async (t) => {
      const c = await t.container();
      const made = await t.add(routedBridge(t), c);
      const prevResult = {
        ...made,
        interfaces: [
          ...list(made, "interfaces"),
          { name: "far0", mac: "02:00:00:00:00:77", mtu: 9000, socketPath: "/run/vhost.sock", pciID: "0000:00:1f.6" },
        ],
        routes: [
          {
            dst: "198.51.100.0/24",
            gw: `${t.prefix()}.1`,
            mtu: 1300,
            advmss: 1200,
            priority: 50,
            table: 100,
            scope: 0,
          },
        ],
      };
      const call = type === "loopback" ? { ifname: "lo" } : {};
      equal(
        await t.add({ cniVersion: t.version, name: t.network, type, ...config, prevResult }, c, call),
        prevResult,
        "the result",
      );
    },
  ),
];

const rates = { ingressRate: 8000, ingressBurst: 8000, egressRate: 8000, egressBurst: 8000 };

const needsPrevious = (type: string): Entry =>
  check(
    "required",
    `${type} without a previous result refuses ADD`,
    `${passing}; reference plugins`,
    [type],
    async (t) => {
      const runtimeConfig = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
      const config = {
        cniVersion: t.version,
        name: t.network,
        type,
        ...(type === "bandwidth" ? rates : {}),
        runtimeConfig,
      };
      await t.refuses("ADD", config, await t.container());
    },
  );

/** A plugin that makes interfaces, after another that did: the output holds both. */
const joins = (type: string, second: (t: Trial) => JsonObject, features: readonly "macvlan"[] = []): Entry =>
  check(
    "required",
    `${type} after a plugin that made an interface gives both in its result`,
    passing,
    { types: [...net, type], since: "0.3.0", features },
    async (t) => {
      const c = await t.container();
      if (features.includes("macvlan")) await parentLink(t);
      const prevResult = await t.add(bridge(t), c);
      const result = await t.add({ ...second(t), prevResult }, c, { ifname: "net1" });
      const names = list(result, "interfaces").map((item) => text(item, "name") ?? "");
      for (const name of ["eth0", "net1"]) expect(names.includes(name), `the interfaces are ${names.join(", ")}`);
      const of = addressesOf(result).map(
        ({ address, interface: index }) => `${address} ${text(result, "interfaces", index ?? -1, "name")}`,
      );
      equal(of.toSorted(), [`${t.prefix()}.2/24 eth0`, `${t.prefix(1)}.2/24 net1`], "addresses with their interfaces");
    },
  );

const secondRange = (t: Trial): JsonObject => hostLocal(t, { subnet: t.subnet(1), dataDir: `${t.directory}/second` });

/** Plugins one after another. */
export const chains = group("chains", [
  ...Object.entries(chained).flatMap(passesOn),
  ...["portmap", "firewall", "bandwidth", "sbr"].map(needsPrevious),
  joins("bridge", (t) => bridge(t, { bridge: t.link("bs"), ipam: secondRange(t) })),
  joins("ptp", (t) => ptp(t, { ipam: secondRange(t) })),
  joins("macvlan", (t) => macvlan(t, { ipam: secondRange(t) }), ["macvlan"]),
  check(
    "required",
    "tuning changes MAC address and mtu, and the result's MAC address with it",
    "reference tuning",
    { types: [...net, "tuning"], since: "0.3.0" },
    async (t) => {
      const c = await t.container();
      const prevResult = await t.add(bridge(t), c);
      const result = await t.add(
        { cniVersion: t.version, name: t.network, type: "tuning", mac: "02:00:00:00:00:42", mtu: 1300, prevResult },
        c,
      );
      const link = await c.link("eth0");
      equal(
        [text(link, "address") ?? "", at(link, "mtu") ?? 0],
        ["02:00:00:00:00:42", 1300],
        "eth0's MAC address and mtu",
      );
      equal(
        list(result, "interfaces")
          .filter((item) => text(item, "name") === "eth0")
          .map((item) => text(item, "mac") ?? ""),
        ["02:00:00:00:00:42"],
        "the result's",
      );
      equal(addressesOf(result).length, addressesOf(prevResult).length, "the number of addresses");
    },
  ),
  check(
    "recommended",
    "tuning puts a changed mtu into a result of 1.1.0",
    "CNI 1.1 §5: modified results",
    { types: [...net, "tuning"], version: "1.1.0" },
    async (t) => {
      const c = await t.container();
      const prevResult = await t.add(bridge(t), c);
      const result = await t.add({ cniVersion: t.version, name: t.network, type: "tuning", mtu: 1300, prevResult }, c);
      equal(
        list(result, "interfaces")
          .filter((item) => text(item, "name") === "eth0")
          .map((item) => at(item, "mtu") ?? 0),
        [1300],
        "the mtu of eth0",
      );
    },
  ),
  check(
    "required",
    "a previous result's dns and routes are still there after the whole chain",
    passing,
    { types: [...net, "portmap", "firewall", "tuning"], features: ["firewall"], since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      const dns = { nameservers: ["192.0.2.53"], domain: "example.org" };
      let result = await t.add(
        routedBridge(t, { dns, ipam: hostLocal(t, { routes: [{ dst: "198.51.100.0/24", gw: `${t.prefix()}.1` }] }) }),
        c,
      );
      for (const type of ["portmap", "firewall", "tuning"])
        result = await t.add({ cniVersion: t.version, name: t.network, type, prevResult: result }, c);
      equal(at(result, "dns"), dns, "dns");
      expect(
        routesOf(result).some((route) => text(route, "dst") === "198.51.100.0/24"),
        "the route is gone",
      );
    },
  ),
]);
