/** Published ports: who reaches them from where, and that they go. */
import { check, type Entry, group, type Level } from "../check.ts";
import { Chain, type ChainCall, dualStack, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Place } from "../lab/place.ts";
import { settlesTo } from "../settling.ts";
import type { Container, Trial } from "../trial.ts";

const types = ["bridge", "host-local", "portmap"];
const needs = { types, features: ["firewall"] } as const;
const needs6 = { types, features: ["firewall", "ipv6"] } as const;
const portmap = "CONVENTIONS portMappings; reference portmap";

/** A network with published ports. */
const network = (t: Trial, more: JsonObject = {}, bridge: JsonObject = {}, name = t.network): Chain =>
  new Chain(t, [routedBridge(t, bridge), { type: "portmap", capabilities: { portMappings: true }, ...more }], name);

const mapping = (hostPort: number, containerPort: number, more: JsonObject = {}): JsonObject => ({
  hostPort,
  containerPort,
  protocol: "tcp",
  ...more,
});

const asking = (...portMappings: readonly JsonObject[]): ChainCall => ({ capabilities: { portMappings } });

const answered = async (
  from: Place,
  by: Place,
  address: string,
  port: number,
  protocol: "tcp" | "udp" = "tcp",
): Promise<string> => {
  const answer = await from.dial(protocol, address, port, { timeout: 3000 });
  expect(answer !== undefined, `${from.name} got no answer from ${protocol} ${address}:${port}`);
  equal(answer.name, by.name, `who answered at ${address}:${port}`);
  return answer.from;
};

const unanswered = async (
  from: Place,
  address: string,
  port: number,
  protocol: "tcp" | "udp" = "tcp",
): Promise<void> => {
  const answer = await from.dial(protocol, address, port, { timeout: 500 });
  expect(answer === undefined, `${answer?.name} answered at ${protocol} ${address}:${port}`);
};

/** One container that listens at 80 and publishes it as 8080. */
const published = async (
  t: Trial,
  protocol: "tcp" | "udp",
  more: JsonObject = {},
): Promise<{
  readonly c: Container;
  readonly outside: Place;
  readonly host: Place;
  readonly chain: Chain;
  readonly result: Json;
}> => {
  const [c, outside, host] = [await t.container(), await t.outside(), t.atHost()];
  const chain = network(t);
  const result = await chain.add(c, asking(mapping(8080, 80, { protocol, ...more })));
  await c.listen(protocol, 80);
  return { c, outside, host, chain, result };
};

const reached = (
  protocol: "tcp" | "udp",
  name: string,
  dial: (t: Trial, places: { c: Container; outside: Place; host: Place }) => Promise<unknown>,
  level: Level = "required",
): Entry =>
  check(level, `a ${protocol} port is reached ${name}`, portmap, needs, async (t) => {
    await dial(t, await published(t, protocol));
  });

const refusesMapping = (words: string, wrong: JsonObject, level: Level = "required"): Entry =>
  check(level, `a mapping with ${words} is refused`, portmap, needs, async (t) => {
    const { status } = await network(t).tryAdd(await t.container(), asking({ ...mapping(8080, 80), ...wrong }));
    expect(status !== 0, "ADD succeeded");
  });

/** Published ports. */
export const ports = group("port mapping", [
  ...(["tcp", "udp"] as const).flatMap((protocol) => [
    reached(protocol, "from outside, which is seen as it is", async (_t, { c, outside }) => {
      equal(
        await answered(outside, c, "192.0.2.1", 8080, protocol),
        "192.0.2.2",
        "the address that the container sees",
      );
    }),
    reached(protocol, "from the host at its own address", (_t, { c, host }) =>
      answered(host, c, "192.0.2.1", 8080, protocol),
    ),
    reached(protocol, "from the host at localhost", (_t, { c, host }) =>
      answered(host, c, "127.0.0.1", 8080, protocol),
    ),
    reached(
      protocol,
      "from the container itself, which no hairpinMode helps",
      (_t, { c }) => answered(c, c, "192.0.2.1", 8080, protocol),
      "beyond",
    ),
    check(
      "required",
      `a ${protocol} port is reached from the container itself where hairpinMode is on`,
      portmap,
      needs,
      async (t) => {
        const [c] = [await t.container(), await t.outside()];
        await network(t, {}, { hairpinMode: true }).add(c, asking(mapping(8080, 80, { protocol })));
        await c.listen(protocol, 80);
        await answered(c, c, "192.0.2.1", 8080, protocol);
      },
    ),
    reached(protocol, "from another container of the network", async (t, { c }) => {
      const other = await t.container();
      await network(t).add(other);
      await answered(other, c, "192.0.2.1", 8080, protocol);
    }),
  ]),
  reached("tcp", "from a container of another network", async (t, { c }) => {
    const other = await t.container();
    const second = new Chain(
      t,
      [
        {
          ...routedBridge(t),
          bridge: t.link("bs"),
          ipam: { type: "host-local", subnet: t.subnet(1), dataDir: `${t.directory}/second` },
        },
      ],
      `${t.network}-second`,
    );
    await second.add(other);
    await answered(other, c, "192.0.2.1", 8080);
  }),
  check("required", "a port of the host that is not published stays closed", portmap, needs, async (t) => {
    const { outside } = await published(t, "tcp");
    await unanswered(outside, "192.0.2.1", 80);
    await unanswered(outside, "192.0.2.1", 8081);
    await unanswered(outside, "192.0.2.1", 8080, "udp");
  }),
  check(
    "required",
    "the host's own services beside a published port are reached as before",
    portmap,
    needs,
    async (t) => {
      const { outside, host } = await published(t, "tcp");
      await host.listen("tcp", 9090);
      await answered(outside, host, "192.0.2.1", 9090);
    },
  ),
  check("required", "hostIP publishes at that address alone", portmap, needs, async (t) => {
    const { c, outside, host } = await published(t, "tcp", { hostIP: "192.0.2.1" });
    await answered(outside, c, "192.0.2.1", 8080);
    await host.shell("ip address add 192.0.2.9/24 dev up0");
    await unanswered(outside, "192.0.2.9", 8080);
  }),
  check("required", "hostIP 127.0.0.1 publishes to the host alone", portmap, needs, async (t) => {
    const { c, outside, host } = await published(t, "tcp", { hostIP: "127.0.0.1" });
    await answered(host, c, "127.0.0.1", 8080);
    await unanswered(outside, "192.0.2.1", 8080);
  }),
  check("required", "hostIP 0.0.0.0 publishes at every address", portmap, needs, async (t) => {
    const { c, outside, host } = await published(t, "tcp", { hostIP: "0.0.0.0" });
    await answered(outside, c, "192.0.2.1", 8080);
    await answered(host, c, "127.0.0.1", 8080);
  }),
  check("recommended", "an empty hostIP publishes at every address", "podman and CRI-O send it", needs, async (t) => {
    const { c, outside } = await published(t, "tcp", { hostIP: "" });
    await answered(outside, c, "192.0.2.1", 8080);
  }),
  check("recommended", "protocols may be written in upper case", portmap, needs, async (t) => {
    const [c, outside] = [await t.container(), await t.outside()];
    await network(t).add(c, asking(mapping(8080, 80, { protocol: "TCP" })));
    await c.listen("tcp", 80);
    await answered(outside, c, "192.0.2.1", 8080);
  }),
  check("required", "forty ports of one container are all reached", portmap, needs, async (t) => {
    const [c, outside] = [await t.container(), await t.outside()];
    const numbers = Array.from({ length: 40 }, (_none, index) => index);
    await network(t).add(c, asking(...numbers.map((n) => mapping(8000 + n, 5000 + n))));
    for (const n of numbers) await c.listen("tcp", 5000 + n);
    await Promise.all(numbers.map((n) => answered(outside, c, "192.0.2.1", 8000 + n)));
  }),
  check(
    "required",
    "the same number is published by tcp to one container and by udp to another",
    portmap,
    needs,
    async (t) => {
      const [a, b, outside] = [await t.container(), await t.container(), await t.outside()];
      await network(t).add(a, asking(mapping(8080, 80)));
      await network(t).add(b, asking(mapping(8080, 80, { protocol: "udp" })));
      await a.listen("tcp", 80);
      await b.listen("udp", 80);
      await answered(outside, a, "192.0.2.1", 8080, "tcp");
      await answered(outside, b, "192.0.2.1", 8080, "udp");
    },
  ),
  check("required", "the same number is published at two addresses to two containers", portmap, needs, async (t) => {
    const [a, b, outside] = [await t.container(), await t.container(), await t.outside()];
    await t.host.shell("ip address add 192.0.2.9/24 dev up0");
    await network(t).add(a, asking(mapping(8080, 80, { hostIP: "192.0.2.1" })));
    await network(t).add(b, asking(mapping(8080, 80, { hostIP: "192.0.2.9" })));
    await a.listen("tcp", 80);
    await b.listen("tcp", 80);
    await answered(outside, a, "192.0.2.1", 8080);
    await answered(outside, b, "192.0.2.9", 8080);
  }),
  check("required", "a port is reached by IPv6 from outside", portmap, needs6, async (t) => {
    const [c, outside] = [await t.container(), await t.outside()];
    await network(t, {}, { ipam: dualStack(t) }).add(c, asking(mapping(8080, 80)));
    await c.listen("tcp", 80);
    equal(
      await answered(outside, c, "2001:db8:ffff::1", 8080),
      "2001:db8:ffff::2",
      "the address that the container sees",
    );
    await answered(outside, c, "192.0.2.1", 8080);
  }),
  check("required", "hostIP of one family publishes in that family", portmap, needs6, async (t) => {
    const [c, outside] = [await t.container(), await t.outside()];
    await network(t, {}, { ipam: dualStack(t) }).add(c, asking(mapping(8080, 80, { hostIP: "2001:db8:ffff::1" })));
    await c.listen("tcp", 80);
    await answered(outside, c, "2001:db8:ffff::1", 8080);
    await unanswered(outside, "192.0.2.1", 8080);
  }),
  check("beyond", "a port is reached from the host at ::1", "the reference cannot", needs6, async (t) => {
    const [c, host] = [await t.container(), t.atHost()];
    await network(t, {}, { ipam: dualStack(t) }).add(c, asking(mapping(8080, 80)));
    await c.listen("tcp", 80);
    await answered(host, c, "::1", 8080);
  }),
  check("required", "without mappings portmap passes the result on", portmap, needs, async (t) => {
    const c = await t.container();
    const config = routedBridge(t);
    const prevResult = await t.add(config, c);
    equal(
      await t.add({ cniVersion: t.version, name: t.network, type: "portmap", prevResult }, c),
      prevResult,
      "the result",
    );
  }),
  check("required", "DEL closes the port", portmap, needs, async (t) => {
    const { c, outside, chain, result } = await published(t, "tcp");
    await answered(outside, c, "192.0.2.1", 8080);
    await chain.del(c, { ...asking(mapping(8080, 80)), previous: result });
    await unanswered(outside, "192.0.2.1", 8080);
  }),
  check("required", "DEL of one container leaves the other's ports open", portmap, needs, async (t) => {
    const { c, outside, chain } = await published(t, "tcp");
    const other = await t.container();
    const result = await chain.add(other, asking(mapping(8081, 80)));
    await chain.del(other, { ...asking(mapping(8081, 80)), previous: result });
    await answered(outside, c, "192.0.2.1", 8080);
  }),
  check("required", "a port that was freed is free for another container", portmap, needs, async (t) => {
    const { c, outside, chain, result } = await published(t, "tcp");
    await chain.del(c, { ...asking(mapping(8080, 80)), previous: result });
    const other = await t.container();
    await chain.add(other, asking(mapping(8080, 80)));
    await other.listen("tcp", 80);
    await answered(outside, other, "192.0.2.1", 8080);
  }),
  check("required", "DEL without mappings and without a namespace succeeds", portmap, needs, async (t) => {
    const { c, chain } = await published(t, "tcp");
    await c.vanish();
    await chain.del(c, { previous: null, environment: { CNI_NETNS: "" } });
  }),
  check(
    "recommended",
    "datagrams of a flow that goes on reach the container that has the port now",
    "reference portmap: conntrack entries are removed",
    needs,
    async (t) => {
      const { c, outside, chain, result } = await published(t, "udp");
      const dial = { timeout: 3000, from: 5353 };
      equal((await outside.dial("udp", "192.0.2.1", 8080, dial))?.name, c.name, "who answers first");
      await chain.del(c, { ...asking(mapping(8080, 80, { protocol: "udp" })), previous: result });
      const other = await t.container();
      await chain.add(other, asking(mapping(8080, 80, { protocol: "udp" })));
      await other.listen("udp", 80);
      equal((await outside.dial("udp", "192.0.2.1", 8080, dial))?.name, other.name, "who answers then");
    },
  ),
  check(
    "recommended",
    "a container on two networks with the same mappings is reached, also after it left one",
    "podman gives every network the same mappings",
    needs,
    async (t) => {
      const [c, outside] = [await t.container(), await t.outside()];
      const first = network(t);
      const second = network(
        t,
        {},
        {
          bridge: t.link("bs"),
          isDefaultGateway: false,
          ipam: { type: "host-local", subnet: t.subnet(1), dataDir: `${t.directory}/second` },
        },
        `${t.network}-second`,
      );
      const asked = asking(mapping(8080, 80));
      await first.add(c, asked);
      const result = await second.add(c, { ...asked, ifname: "eth1" });
      await c.listen("tcp", 80);
      await answered(outside, c, "192.0.2.1", 8080);
      await second.del(c, { ...asked, ifname: "eth1", previous: result });
      await answered(outside, c, "192.0.2.1", 8080);
    },
  ),
  check(
    "recommended",
    "masqAll hides outside callers behind the host",
    "reference portmap since 1.5",
    needs,
    async (t) => {
      const [c, outside] = [await t.container(), await t.outside()];
      await network(t, { masqAll: true }).add(c, asking(mapping(8080, 80)));
      await c.listen("tcp", 80);
      equal(await answered(outside, c, "192.0.2.1", 8080), `${t.prefix()}.1`, "the address that the container sees");
    },
  ),
  refusesMapping("a host port of 0", { hostPort: 0 }, "recommended"),
  refusesMapping("a host port of 65536", { hostPort: 65536 }),
  refusesMapping("a container port of 0", { containerPort: 0 }),
  refusesMapping("a container port of 65536", { containerPort: 65536 }),
  refusesMapping("a protocol that is none", { protocol: "carrier-pigeon" }),
  refusesMapping("a hostIP that is no address", { hostIP: "localhost" }, "recommended"),
  check(
    "beyond",
    "a port that another container has is refused",
    "the reference accepts it and shadows one",
    needs,
    async (t) => {
      const { chain, outside, c } = await published(t, "tcp");
      const { status } = await chain.tryAdd(await t.container(), asking(mapping(8080, 80)));
      expect(status !== 0, "ADD succeeded");
      await answered(outside, c, "192.0.2.1", 8080);
    },
  ),
  check(
    "beyond",
    "a port at which the host itself listens is refused",
    "the reference takes it away from its listener",
    needs,
    async (t) => {
      const [c, host] = [await t.container(), t.atHost()];
      await host.listen("tcp", 8080);
      const { status } = await network(t).tryAdd(c, asking(mapping(8080, 80)));
      expect(status !== 0, "ADD succeeded");
    },
  ),
  check("required", "what a refused mapping had done so far is gone after DEL", "CNI 1.1 §2 DEL", needs, async (t) => {
    const { chain } = await published(t, "tcp");
    const before = await t.atHost().state();
    const other = await t.container();
    const asked = asking(mapping(8083, 80), mapping(8084, 80, { protocol: "carrier-pigeon" }));
    const { status } = await chain.tryAdd(other, asked);
    expect(status !== 0, "ADD succeeded");
    await chain.del(other, { ...asked, previous: null });
    await settlesTo(t.atHost(), before, "the host");
  }),
]);
