/** Published ports: who reaches them from where. */
import { check, type Entry, group, type Level } from "../check.ts";
import { Chain, dualStack, routedBridge } from "../configuration.ts";
import { equal } from "../expectation.ts";
import type { Place } from "../lab/place.ts";
import { answered, asking, mapping, needs, needs6, network, portmap, published, unanswered } from "../publishing.ts";
import type { Container, Trial } from "../trial.ts";

const reached = (
  protocol: "tcp" | "udp",
  name: string,
  dial: (t: Trial, places: { c: Container; outside: Place; host: Place }) => Promise<unknown>,
  level: Level = "required",
): Entry =>
  check(level, `a ${protocol} port is reached ${name}`, portmap, needs, async (t) => {
    await dial(t, await published(t, protocol));
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
]);
