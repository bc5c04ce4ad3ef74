/** What ADD makes of a bridge network and DEL takes away, and who reaches whom. */
import { check, group } from "../check.ts";
import { after, bridge, dualStack, hostLocal, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, list } from "../json.ts";
import { addressIn, reaches } from "../reach.ts";
import { linksBecome } from "../settling.ts";
import type { Container, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const add = "CNI 1.1 §2 ADD";
const del = "CNI 1.1 §2 DEL";
const plugin = "reference plugins (bridge)";

/** The bridge port of the only container. */
const port = async (t: Trial): Promise<Json | undefined> => at(await t.host.ip(`-d link show master ${t.link()}`), 0);

/** DEL in some circumstances succeeds and the address is free again. */
const releases = (
  name: string,
  level: "required" | "recommended",
  forget: (t: Trial, c: Container, config: ReturnType<typeof bridge>, result: Json) => Promise<void>,
) =>
  check(level, `DEL ${name} succeeds and gives the address back`, del, net, async (t) => {
    const ipam = hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.9`, rangeEnd: `${t.prefix()}.9` });
    const config = bridge(t, { ipam });
    const c = await t.container();
    await forget(t, c, config, await t.add(config, c));
    const next = await t.add(config, await t.container());
    equal(addressIn(next), `${t.prefix()}.9`, "the next container's address");
  });

/** ADD and DEL. */
export const attachments = group("attachments", [
  check("required", "ADD makes the interface, up and with its address", add, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c);
    expect(list(await c.link("eth0"), "flags").includes("UP"), "eth0 is not up");
    equal(await c.addresses("eth0"), [`${t.prefix()}.2/24`], "addresses of eth0");
  }),
  check("required", "the interface has the name that the runtime asks for", add, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c, { ifname: "net1" });
    equal([...(await c.links())].toSorted(), ["lo", "net1"], "links of the container");
  }),
  check("required", "two containers on one network reach each other", add, net, async (t) => {
    const [a, b] = [await t.container(), await t.container()];
    await t.add(bridge(t), a);
    await reaches(a, b, addressIn(await t.add(bridge(t), b)));
  }),
  check(
    "required",
    "two containers on one network reach each other by IPv6",
    add,
    { types: net, features: ["ipv6"] },
    async (t) => {
      const config = bridge(t, { ipam: dualStack(t) });
      const [a, b] = [await t.container(), await t.container()];
      await t.add(config, a);
      await reaches(a, b, addressIn(await t.add(config, b), 6));
    },
  ),
  check(
    "required",
    "a container and the host reach each other where the bridge is a gateway",
    plugin,
    net,
    async (t) => {
      const [c, host] = [await t.container(), t.atHost()];
      const address = addressIn(await t.add(bridge(t), c));
      await reaches(c, host, `${t.prefix()}.1`);
      await reaches(host, c, address);
    },
  ),
  check("required", "isDefaultGateway gives the container a way to everywhere", plugin, net, async (t) => {
    const [c, outside] = [await t.container(), await t.outside()];
    const address = addressIn(await t.add(routedBridge(t), c));
    equal(await reaches(c, outside, "192.0.2.2"), address, "the address that the machine outside sees");
  }),
  check(
    "required",
    "ipMasq hides containers behind the host's address outside",
    plugin,
    { types: net, features: ["firewall"] },
    async (t) => {
      const [c, outside] = [await t.container(), await t.outside()];
      await t.add(routedBridge(t, { ipMasq: true }), c);
      equal(await reaches(c, outside, "192.0.2.2"), "192.0.2.1", "the address that the machine outside sees");
      equal(await reaches(c, outside, "192.0.2.2", 8001, "udp"), "192.0.2.1", "the address that it sees of a datagram");
    },
  ),
  check(
    "required",
    "ipMasq hides containers behind the host's IPv6 address outside",
    plugin,
    { types: net, features: ["firewall", "ipv6"] },
    async (t) => {
      const [c, outside] = [await t.container(), await t.outside()];
      await t.add(routedBridge(t, { ipMasq: true, ipam: dualStack(t) }), c);
      equal(
        await reaches(c, outside, "2001:db8:ffff::2"),
        "2001:db8:ffff::1",
        "the address that the machine outside sees",
      );
    },
  ),
  check(
    "required",
    "ipMasq leaves the addresses of neighbours alone",
    plugin,
    { types: net, features: ["firewall"] },
    async (t) => {
      const config = routedBridge(t, { ipMasq: true });
      const [a, b] = [await t.container(), await t.container()];
      const from = addressIn(await t.add(config, a));
      equal(await reaches(a, b, addressIn(await t.add(config, b))), from, "the address that the neighbour sees");
    },
  ),
  check(
    "required",
    "one container may have two interfaces on one network",
    "CNI 1.1 §2: CNI_IFNAME",
    net,
    async (t) => {
      const c = await t.container();
      const first = await t.add(bridge(t), c);
      const second = await t.add(bridge(t), c, { ifname: "eth1" });
      expect(addressIn(first) !== addressIn(second), "both have the same address");
      await t.del(after(bridge(t), first), c);
      await linksBecome(c, ["eth1", "lo"], "links after DEL of eth0");
    },
  ),
  check(
    "required",
    "ADD of an interface that is there already is refused and leaves it as it was",
    add,
    net,
    async (t) => {
      const c = await t.container();
      await c.shell("ip link add eth0 type veth peer name eth9; ip address add 172.31.0.2/24 dev eth0");
      await t.refuses("ADD", bridge(t), c);
      equal(await c.addresses("eth0"), ["172.31.0.2/24"], "addresses of eth0");
    },
  ),
  check(
    "recommended",
    "a second ADD of the same attachment is refused, and the first works on",
    "CNI 1.1 §2 ADD",
    net,
    async (t) => {
      const [c, host] = [await t.container(), t.atHost()];
      const address = addressIn(await t.add(bridge(t), c));
      await t.refuses("ADD", bridge(t), c);
      await reaches(host, c, address);
    },
  ),
  check("required", "DEL takes the interface and its other end away", del, net, async (t) => {
    const c = await t.container();
    const config = bridge(t);
    const result = await t.add(config, c);
    expect((await port(t)) !== undefined, "the bridge has no port after ADD");
    await t.del(after(config, result), c);
    await linksBecome(c, ["lo"], "links of the container");
    expect((await port(t)) === undefined, "the bridge has a port");
  }),
  check("required", "DEL again succeeds", del, net, async (t) => {
    const c = await t.container();
    const config = after(bridge(t), await t.add(bridge(t), c));
    for (const _time of ["first", "second", "third"]) await t.del(config, c);
  }),
  check("required", "DEL of one attachment leaves the others working", del, net, async (t) => {
    const [a, b, host] = [await t.container(), await t.container(), t.atHost()];
    const result = await t.add(routedBridge(t), a);
    const address = addressIn(await t.add(routedBridge(t), b));
    await t.del(after(routedBridge(t), result), a);
    await reaches(host, b, address);
    await reaches(b, host, `${t.prefix()}.1`);
  }),
  releases("with the result of ADD", "required", (t, c, config, result) => t.del(after(config, result), c)),
  releases("without a prevResult", "required", (t, c, config) => t.del(config, c)),
  releases("with a prevResult of null", "recommended", (t, c, config) => t.del({ ...config, prevResult: null }, c)),
  releases("without CNI_NETNS", "required", (t, c, config, result) =>
    t.del(after(config, result), c, { environment: { CNI_NETNS: undefined } }),
  ),
  releases("with an empty CNI_NETNS", "required", (t, c, config, result) =>
    t.del(after(config, result), c, { environment: { CNI_NETNS: "" } }),
  ),
  releases("after the namespace vanished", "required", async (t, c, config, result) => {
    await c.vanish();
    await t.del(after(config, result), c);
  }),
  releases("after the namespace vanished and its path names a file", "recommended", async (t, c, config, result) => {
    await c.vanish();
    await t.host.shell(`touch ${c.netns}`);
    await t.del(after(config, result), c);
    await t.host.shell(`rm ${c.netns}`);
  }),
  releases("after somebody took the interface away", "required", async (t, c, config, result) => {
    await c.shell("ip link delete eth0");
    await t.del(after(config, result), c);
  }),
  releases("after somebody took the bridge away", "required", async (t, c, config, result) => {
    await t.host.shell(`ip link delete ${t.link()}`);
    await t.del(after(config, result), c);
  }),
  check("required", "ADD works again after DEL", del, net, async (t) => {
    const [c, host] = [await t.container(), t.atHost()];
    for (const _time of ["first", "second", "third"]) await t.del(after(bridge(t), await t.add(bridge(t), c)), c);
    await reaches(host, c, addressIn(await t.add(bridge(t), c)));
  }),
  check(
    "required",
    "ADD works for a container that came back with a new namespace after DEL",
    "podman start after stop",
    net,
    async (t) => {
      const first = await t.container();
      const result = await t.add(bridge(t), first);
      await first.vanish();
      await t.del(after(bridge(t), result), first);
      const again = await t.container(first.id);
      await reaches(t.atHost(), again, addressIn(await t.add(bridge(t), again)));
    },
  ),
]);
