/** What ADD prints, in every version of the protocol. */
import { check, type Entry, group } from "../check.ts";
import { bridge, dualStack, hostLocal, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, type JsonObject, list, text } from "../json.ts";
import { addressesOf, bare, faultsOf, routesOf } from "../result.ts";
import { atLeast, knownVersions, type Version } from "../versions.ts";

const net = ["bridge", "host-local"];
const form = "CNI 1.1 §5 Success";

const wellFormed = (result: Json | undefined, version: Version, delegated = false): void => {
  const faults = faultsOf(result, version, delegated);
  expect(faults.length === 0, `${faults.join("; ")} in ${JSON.stringify(result)}`);
};

const inVersion = (version: Version): readonly Entry[] => [
  check("required", `the result of a bridge has the form of ${version}`, form, { types: net, version }, async (t) => {
    const result = await t.add(routedBridge(t), await t.container());
    wellFormed(result, version);
    equal(
      addressesOf(result).map(({ address, gateway }) => ({ address, gateway: gateway ?? "" })),
      [{ address: `${t.prefix()}.2/24`, gateway: `${t.prefix()}.1` }],
      "addresses",
    );
  }),
  check(
    "required",
    `a dual-stack result has the form of ${version}, with an address of each family`,
    form,
    { types: net, version, features: ["ipv6"] },
    async (t) => {
      const result = await t.add(bridge(t, { ipam: dualStack(t) }), await t.container());
      wellFormed(result, version);
      equal(
        addressesOf(result)
          .map(({ address }) => address)
          .toSorted(),
        [`${t.prefix()}.2/24`, `${t.prefix6()}::2/64`],
        "addresses",
      );
    },
  ),
  check(
    "required",
    `an IPAM plugin's own result has the form of ${version} and names no interfaces`,
    "CNI 1.1 §4 Delegated plugins",
    { types: ["host-local"], version },
    async (t) => {
      const config = { cniVersion: version, name: t.network, ipam: hostLocal(t, { routes: [{ dst: "0.0.0.0/0" }] }) };
      const result = await t.add(config, await t.container(), { type: "host-local" });
      wellFormed(result, version, true);
      equal(
        routesOf(result).map((route) => text(route, "dst") ?? ""),
        ["0.0.0.0/0"],
        "routes",
      );
    },
  ),
];

/** Interfaces of the result with those of the kernel: the container's own last. */
const linksOfResult = (result: JsonObject) => {
  const interfaces = list(result, "interfaces");
  return {
    interfaces,
    outside: interfaces.filter((item) => (text(item, "sandbox") ?? "") === ""),
    inside: interfaces.filter((item) => (text(item, "sandbox") ?? "") !== ""),
  };
};

/** ADD's results. */
export const results = group("results", [
  ...knownVersions.flatMap(inVersion),
  check(
    "required",
    "the container's interface is listed with its namespace, name and the kernel's MAC address",
    form,
    { types: net, since: "0.3.0" },
    async (t) => {
      const c = await t.container();
      const { inside } = linksOfResult(await t.add(bridge(t), c));
      expect(inside.length === 1, `${inside.length} interfaces with a sandbox`);
      equal(text(inside[0], "sandbox"), c.netns, "sandbox");
      equal(text(inside[0], "name"), "eth0", "name");
      equal(text(inside[0], "mac"), text(await c.link("eth0"), "address"), "mac");
    },
  ),
  check(
    "required",
    "the host's interfaces are listed without a namespace, as the kernel has them",
    form,
    { types: net, since: "0.3.0" },
    async (t) => {
      const { outside } = linksOfResult(await t.add(bridge(t), await t.container()));
      expect(
        outside.length >= 2,
        `${outside.length} interfaces of the host, not the bridge and the container's other end`,
      );
      for (const item of outside) {
        const link = await t.atHost().link(text(item, "name") ?? "?");
        expect(link !== undefined, `there is no link ${text(item, "name")} on the host`);
        equal(text(item, "mac"), text(link, "address"), `mac of ${text(item, "name")}`);
      }
    },
  ),
  check(
    "required",
    "each address points at the container's interface",
    form,
    { types: net, since: "0.3.0" },
    async (t) => {
      const result = await t.add(bridge(t), await t.container());
      for (const { interface: index } of addressesOf(result))
        equal(text(result, "interfaces", index ?? -1, "name"), "eth0", "the interface of an address");
    },
  ),
  check(
    "required",
    "what the result says of addresses is what the container has",
    form,
    { types: net, features: ["ipv6"] },
    async (t) => {
      const c = await t.container();
      const result = await t.add(bridge(t, { ipam: dualStack(t) }), c);
      equal(
        [...(await c.addresses("eth0"))].toSorted(),
        addressesOf(result)
          .map(({ address }) => address)
          .toSorted(),
        "addresses of eth0",
      );
    },
  ),
  check(
    "required",
    "routes of the IPAM plugin are in the result and in the container",
    "CNI 1.1 §4, §5",
    net,
    async (t) => {
      const c = await t.container();
      const ipam = hostLocal(t, {
        routes: [{ dst: "198.51.100.0/24" }, { dst: "203.0.113.0/24", gw: `${t.prefix()}.9` }],
      });
      const result = await t.add(bridge(t, { ipam }), c);
      equal(
        routesOf(result).map((route) => text(route, "dst") ?? ""),
        ["198.51.100.0/24", "203.0.113.0/24"],
        "routes of the result",
      );
      const gateways = list(await c.routes()).map((route) => `${text(route, "dst")} ${text(route, "gateway")}`);
      for (const wanted of [`198.51.100.0/24 ${t.prefix()}.1`, `203.0.113.0/24 ${t.prefix()}.9`])
        expect(gateways.includes(wanted), `no route "${wanted}" among ${gateways.join(", ")}`);
    },
  ),
  check("required", "dns of the configuration is dns of the result", "CNI 1.1 §1 dns, §5", net, async (t) => {
    const dns = {
      nameservers: ["192.0.2.53"],
      domain: "example.org",
      search: ["example.org", "example.net"],
      options: ["ndots:2"],
    };
    const result = await t.add(bridge(t, { dns }), await t.container());
    equal(at(result, "dns"), dns, "dns");
  }),
  check(
    "recommended",
    "dns of the IPAM plugin is dns of the result where the configuration has none",
    "reference plugins (bridge)",
    net,
    async (t) => {
      await t.host.shell("printf 'nameserver 192.0.2.54\\nsearch example.com\\noptions ndots:3\\n' > /run/resolv.conf");
      const result = await t.add(
        bridge(t, { ipam: hostLocal(t, { resolvConf: "/run/resolv.conf" }) }),
        await t.container(),
      );
      equal(at(result, "dns", "nameservers"), ["192.0.2.54"], "nameservers");
      equal(at(result, "dns", "search"), ["example.com"], "search");
      equal(at(result, "dns", "options"), ["ndots:3"], "options");
    },
  ),
  check(
    "recommended",
    "the container's interface is listed with its mtu since 1.1.0",
    form,
    { types: net, version: "1.1.0" },
    async (t) => {
      const { inside } = linksOfResult(await t.add(bridge(t, { mtu: 1400 }), await t.container()));
      equal(at(inside[0], "mtu"), 1400, "mtu");
    },
  ),
  check(
    "required",
    "mtu, advmss, priority, table and scope of routes pass into a result of 1.1.0",
    form,
    { types: net, version: "1.1.0" },
    async (t) => {
      const route = {
        dst: "198.51.100.0/24",
        gw: `${t.prefix()}.1`,
        mtu: 1300,
        advmss: 1200,
        priority: 50,
        table: 100,
        scope: 0,
      };
      const result = await t.add(bridge(t, { ipam: hostLocal(t, { routes: [route] }) }), await t.container());
      equal(
        routesOf(result).find((found) => text(found, "dst") === route.dst),
        route,
        "the route",
      );
    },
  ),
  check(
    "recommended",
    "priority and table of a route are the kernel's",
    "CNI 1.1 §5, reference plugins since 1.6",
    { types: net, version: "1.1.0" },
    async (t) => {
      const c = await t.container();
      await t.add(
        bridge(t, {
          ipam: hostLocal(t, { routes: [{ dst: "198.51.100.0/24", gw: `${t.prefix()}.1`, priority: 50, table: 100 }] }),
        }),
        c,
      );
      equal(at(await c.routes(4, "100"), 0, "metric"), 50, "the metric of the route in table 100");
    },
  ),
  check(
    "beyond",
    "mtu and advmss of a route are the kernel's",
    "CNI 1.1 §5; reference plugins ignore them",
    { types: net, version: "1.1.0" },
    async (t) => {
      const c = await t.container();
      await t.add(
        bridge(t, {
          ipam: hostLocal(t, { routes: [{ dst: "198.51.100.0/24", gw: `${t.prefix()}.1`, mtu: 1300, advmss: 1200 }] }),
        }),
        c,
      );
      const route = list(await c.routes()).find((found) => text(found, "dst") === "198.51.100.0/24");
      equal(
        [at(route, "metrics", 0, "mtu") ?? 0, at(route, "metrics", 0, "advmss") ?? 0],
        [1300, 1200],
        "mtu and advmss",
      );
    },
  ),
  check(
    "required",
    "a bridge without ipam gives a result without addresses",
    "reference plugins (bridge)",
    { types: ["bridge"], since: "0.3.0" },
    async (t) => {
      const c = await t.container();
      const { ipam: _none, isGateway: _neither, ...config } = bridge(t);
      const result = await t.add(config, c);
      equal(addressesOf(result).length, 0, "the number of addresses");
      expect(isUp(await c.link("eth0")), "eth0 is not up");
      await t.del({ ...config, prevResult: result }, c);
      expect((await c.link("eth0")) === undefined, "eth0 is there after DEL");
    },
  ),
  check(
    "recommended",
    "IPv6 addresses are through duplicate address detection when ADD returns",
    "reference plugins (ipam)",
    { types: net, features: ["ipv6"] },
    async (t) => {
      const c = await t.container();
      await t.add(routedBridge(t, { ipam: dualStack(t) }), c);
      const tentative = list(await c.ip("-6 address show dev eth0"), 0, "addr_info").filter(
        (item) => at(item, "scope") === "global" && at(item, "tentative") === true,
      );
      expect(tentative.length === 0, "an address is tentative");
    },
  ),
  ...loopbacks(),
]);

function loopbacks(): readonly Entry[] {
  return knownVersions
    .filter((version) => atLeast(version, "0.3.0"))
    .map((version) =>
      check(
        "required",
        `the result of loopback has the form of ${version}`,
        form,
        { types: ["loopback"], version },
        async (t) => {
          const c = await t.container();
          await c.shell("ip link set lo down");
          const result = await t.add({ cniVersion: version, name: t.network, type: "loopback" }, c, { ifname: "lo" });
          wellFormed(result, version);
          expect(isUp(await c.link("lo")), "lo is not up");
          equal(
            addressesOf(result)
              .map(({ address }) => bare(address))
              .find((address) => address === "127.0.0.1"),
            "127.0.0.1",
            "lo's address",
          );
        },
      ),
    );
}

/** Whether a link is administratively up. */
function isUp(link: Json | undefined): boolean {
  return list(link, "flags").includes("UP");
}
