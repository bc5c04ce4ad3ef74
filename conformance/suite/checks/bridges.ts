/** Options of a bridge network, and the bridge itself. */
import { check, group } from "../check.ts";
import { after, bridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, text } from "../json.ts";
import { addressIn, reaches } from "../reach.ts";
import type { Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const plugin = "reference plugins (bridge)";

const bridgeLink = async (t: Trial): Promise<Json | undefined> => t.atHost().link(t.link());

/** The bridge port of the only container. */
const port = async (t: Trial): Promise<Json | undefined> => at(await t.host.ip(`-d link show master ${t.link()}`), 0);

/** Bridges and their ports. */
export const bridges = group("bridges", [
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
]);
