/** Published ports that go, come again, or are refused. */
import { check, type Entry, group, type Level } from "../check.ts";
import { routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import type { JsonObject } from "../json.ts";
import { answered, asking, mapping, needs, network, portmap, published, unanswered } from "../publishing.ts";
import { settlesTo } from "../settling.ts";

const refusesMapping = (words: string, wrong: JsonObject, level: Level = "required"): Entry =>
  check(level, `a mapping with ${words} is refused`, portmap, needs, async (t) => {
    const { status } = await network(t).tryAdd(await t.container(), asking({ ...mapping(8080, 80), ...wrong }));
    expect(status !== 0, "ADD succeeded");
  });

/** How ports come and go. */
export const portLife = group("port life", [
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
