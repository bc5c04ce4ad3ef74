/** What ADD makes of a bridge network and DEL takes away, and who reaches whom. */
import { check, group } from "../check.ts";
import { after, bridge, dualStack, hostLocal, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, list, text } from "../json.ts";
import type { Place } from "../lab/place.ts";
import { addressesOf, bare } from "../result.ts";
import type { Container, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const add = "CNI 1.1 §2 ADD";
const del = "CNI 1.1 §2 DEL";
const plugin = "reference plugins (bridge)";

/** The first address of a family in a result. */
const addressIn = (result: Json, family: 4 | 6 = 4): string =>
  bare(addressesOf(result).find((found) => found.family === family)?.address ?? "");

/** Somebody reaches a listener, who sees the caller's address. */
const reaches = async (
  from: Place,
  to: Place,
  address: string,
  port = 8000,
  protocol: "tcp" | "udp" = "tcp",
): Promise<string> => {
  await to.listen(protocol, port);
  const answer = await from.dial(protocol, address, port, { timeout: 3000 });
  expect(answer?.name === to.name, `${from.name} did not reach ${to.name} at ${address}:${port}`);
  return answer.from;
};

const bridgeLink = async (t: Trial): Promise<Json | undefined> => t.atHost().link(t.link());

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
      equal([...(await c.links())].toSorted(), ["eth1", "lo"], "links after DEL of eth0");
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
    equal(await c.links(), ["lo"], "links of the container");
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
  check(
    "recommended",
    "a bridge that was there before stays when the last container leaves",
    plugin,
    net,
    async (t) => {
      await t.host.shell(`ip link add ${t.link()} type bridge; ip link set ${t.link()} up`);
      const c = await t.container();
      await t.del(after(bridge(t), await t.add(bridge(t), c)), c);
      expect((await bridgeLink(t)) !== undefined, "the bridge is gone");
    },
  ),
  check("recommended", "hairpinMode makes the port send back to where frames came from", plugin, net, async (t) => {
    await t.add(bridge(t, { hairpinMode: true }), await t.container());
    equal(at(await port(t), "linkinfo", "info_slave_data", "hairpin"), true, "hairpin of the port");
  }),
  check("recommended", "promiscMode makes the bridge promiscuous", plugin, net, async (t) => {
    await t.add(bridge(t, { promiscMode: true }), await t.container());
    expect(Number(at(await bridgeLink(t), "promiscuity") ?? 0) > 0, "it is not");
  }),
  check("recommended", "hairpinMode and promiscMode together are refused", plugin, net, async (t) => {
    await t.refuses("ADD", bridge(t, { promiscMode: true, hairpinMode: true }), await t.container());
  }),
  check("recommended", "mtu is the mtu of both ends", plugin, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t, { mtu: 1400 }), c);
    equal(
      [at(await c.link("eth0"), "mtu") ?? 0, at(await port(t), "mtu") ?? 0],
      [1400, 1400],
      "mtu of eth0 and its other end",
    );
  }),
  check("recommended", "a bridge that has another address is refused", plugin, net, async (t) => {
    await t.host.shell(
      `ip link add ${t.link()} type bridge; ip address add 172.31.0.1/24 dev ${t.link()}; ip link set ${t.link()} up`,
    );
    await t.refuses("ADD", bridge(t), await t.container());
    equal(await t.atHost().addresses(t.link()), ["172.31.0.1/24"], "addresses of the bridge");
  }),
  check("recommended", "forceAddress replaces the bridge's address", plugin, net, async (t) => {
    await t.host.shell(
      `ip link add ${t.link()} type bridge; ip address add 172.31.0.1/24 dev ${t.link()}; ip link set ${t.link()} up`,
    );
    await t.add(bridge(t, { forceAddress: true }), await t.container());
    equal(await t.atHost().addresses(t.link()), [`${t.prefix()}.1/24`], "addresses of the bridge");
  }),
  check("recommended", "forwarding is on for the family of a gateway", plugin, net, async (t) => {
    await t.add(bridge(t), await t.container());
    equal((await t.host.shell("cat /proc/sys/net/ipv4/ip_forward")).trim(), "1", "ip_forward");
  }),
  check("recommended", "the bridge keeps its MAC address as containers come and go", plugin, net, async (t) => {
    const first = await t.container();
    const result = await t.add(bridge(t), first);
    const mac = text(await bridgeLink(t), "address");
    for (const c of await t.containers(5)) await t.add(bridge(t), c);
    await t.del(after(bridge(t), result), first);
    equal(text(await bridgeLink(t), "address"), mac, "the bridge's MAC address");
  }),
  check(
    "recommended",
    "macspoofchk drops what a container sends under another MAC address",
    "reference plugins since 1.1",
    { types: net, features: ["nft"] },
    async (t) => {
      const [c, host] = [await t.container(), t.atHost()];
      const address = addressIn(await t.add(bridge(t, { macspoofchk: true }), c));
      await reaches(host, c, address);
      await c.shell("ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up");
      await host.shell(`ip neighbour flush dev ${t.link()}`);
      const answer = await host.dial("tcp", address, 8000, { timeout: 700 });
      expect(answer === undefined, "it is reached under an address of its own choice");
    },
  ),
  check(
    "recommended",
    "portIsolation keeps containers of a network apart, and both reach the gateway",
    "reference plugins since 1.6",
    net,
    async (t) => {
      const config = bridge(t, { portIsolation: true });
      const [a, b] = [await t.container(), await t.container()];
      await t.add(config, a);
      const address = addressIn(await t.add(config, b));
      await reaches(t.atHost(), b, address);
      expect((await a.dial("tcp", address, 8000, { timeout: 700 })) === undefined, "they reach each other");
    },
  ),
  check(
    "recommended",
    "vlan puts the port into a VLAN, untagged",
    plugin,
    { types: net, features: ["vlan filtering"] },
    async (t) => {
      const config = (vlan: number) => bridge(t, { vlan, isGateway: false });
      const [a, b, other] = [await t.container(), await t.container(), await t.container()];
      await t.add(config(10), a);
      const address = addressIn(await t.add(config(10), b));
      await t.add(config(20), other);
      await reaches(a, b, address);
      expect((await other.dial("tcp", address, 8000, { timeout: 700 })) === undefined, "another VLAN reaches it");
    },
  ),
]);
