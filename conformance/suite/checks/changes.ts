/** Plugins that change what others made: tuning, bandwidth, firewall, sbr, vrf. */
import { check, type Entry, group } from "../check.ts";
import { bridge, Chain, hostLocal, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type JsonObject, list, text } from "../json.ts";
import { addressesOf, bare } from "../result.ts";
import type { Container, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const onTuning = [...net, "tuning"];

/** A container with tuning applied. */
const tuned = async (t: Trial, config: JsonObject): Promise<Container> => {
  const c = await t.container();
  await new Chain(t, [bridge(t), { type: "tuning", ...config }]).add(c);
  return c;
};

const refusesTuning = (words: string, config: JsonObject): Entry =>
  check("required", `tuning refuses ${words}`, "reference tuning", onTuning, async (t) => {
    const c = await t.container();
    const prevResult = await t.add(bridge(t), c);
    await t.refuses("ADD", { cniVersion: t.version, name: t.network, type: "tuning", ...config, prevResult }, c);
  });

const rate = 8_000_000;
const shaped = { types: [...net, "bandwidth"], features: ["shaping", "ifb"] } as const;

/** Seconds that a megabyte takes between the host and a container. */
const seconds = async (
  t: Trial,
  rates: JsonObject,
  towards: "container" | "host",
  given: "configuration" | "runtime",
): Promise<number> => {
  const [c, host] = [await t.container(), t.atHost()];
  const chain = new Chain(t, [
    routedBridge(t),
    { type: "bandwidth", capabilities: { bandwidth: true }, ...(given === "configuration" ? rates : {}) },
  ]);
  const result = await chain.add(c, given === "runtime" ? { capabilities: { bandwidth: rates } } : {});
  const [from, to, address] =
    towards === "container" ? [host, c, bare(addressesOf(result)[0]?.address ?? "")] : [c, host, `${t.prefix()}.1`];
  await to.listen("tcp", 8000);
  await from.dial("tcp", address, 8000, { timeout: 3000 });
  const began = performance.now();
  const answer = await from.dial("tcp", address, 8000, { timeout: 15_000, load: 1_000_000 });
  expect(answer !== undefined, "a megabyte did not come through");
  return (performance.now() - began) / 1000;
};

/** A megabyte at eight megabits a second takes one second, less what the burst lets through. */
const limited = (
  name: string,
  rates: JsonObject,
  towards: "container" | "host",
  given: "configuration" | "runtime",
): Entry =>
  check("required", `bandwidth: ${name}`, "CONVENTIONS bandwidth; reference bandwidth", shaped, async (t) => {
    const took = await seconds(t, rates, towards, given);
    expect(took > 0.6 && took < 4, `a megabyte at 8 Mbit/s took ${took.toFixed(2)} s`);
  });

/** A host that forwards nothing unless somebody lets it. */
const forwardsNothing = (t: Trial): Promise<string> => t.host.shell("iptables -P FORWARD DROP");

const onFirewall = { types: [...net, "firewall"], features: ["firewall"] } as const;

const other = (t: Trial): JsonObject => ({
  ...routedBridge(t),
  bridge: t.link("bs"),
  ipam: hostLocal(t, { subnet: t.subnet(1), dataDir: `${t.directory}/second` }),
});

/** Who reaches whom between two networks with a policy: from the first's container to a neighbour and to the other network's. */
const policy = async (t: Trial, ingressPolicy: string): Promise<readonly [boolean, boolean]> => {
  const plugin = { type: "firewall", ingressPolicy };
  const [one, two] = [new Chain(t, [routedBridge(t), plugin]), new Chain(t, [other(t), plugin], `${t.network}-second`)];
  const [a, b, far] = [await t.container(), await t.container(), await t.container()];
  await one.add(a);
  const neighbour = bare(addressesOf(await one.add(b))[0]?.address ?? "");
  const stranger = bare(addressesOf(await two.add(far))[0]?.address ?? "");
  await b.listen("tcp", 8000);
  await far.listen("tcp", 8000);
  const near = await a.dial("tcp", neighbour, 8000, { timeout: 1000 });
  return [near !== undefined, (await a.dial("tcp", stranger, 8000, { timeout: 700 })) !== undefined];
};

/** Changes of interfaces. */
export const changes = group("changing plugins", [
  check("required", "tuning writes sysctls of the container", "reference tuning", onTuning, async (t) => {
    const c = await tuned(t, { sysctl: { "net.core.somaxconn": "500" } });
    equal((await c.shell("cat /proc/sys/net/core/somaxconn")).trim(), "500", "net.core.somaxconn");
    expect((await t.host.shell("cat /proc/sys/net/core/somaxconn")).trim() !== "500", "the host's is changed too");
  }),
  check("required", "tuning puts the interface's name for IFNAME", "reference tuning", onTuning, async (t) => {
    const c = await tuned(t, { sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1" } });
    equal((await c.shell("cat /proc/sys/net/ipv4/conf/eth0/log_martians")).trim(), "1", "log_martians of eth0");
  }),
  check("required", "tuning sets promiscuous and all multicast", "reference tuning", onTuning, async (t) => {
    const link = await (await tuned(t, { promisc: true, allmulti: true })).link("eth0");
    const flags = list(link, "flags");
    expect(flags.includes("PROMISC") && flags.includes("ALLMULTI"), `the flags are ${flags.join(" ")}`);
  }),
  check("recommended", "tuning sets the length of the queue", "reference tuning since 1.2", onTuning, async (t) => {
    const link = await (await tuned(t, { txQLen: 777 })).link("eth0");
    equal(at(link, "txqlen"), 777, "the queue's length");
  }),
  check("required", "tuning takes the MAC address of the runtime", "CONVENTIONS mac", onTuning, async (t) => {
    const c = await t.container();
    const chain = new Chain(t, [bridge(t), { type: "tuning", capabilities: { mac: true } }]);
    await chain.add(c, { capabilities: { mac: "02:00:00:00:00:42" } });
    equal(text(await c.link("eth0"), "address"), "02:00:00:00:00:42", "eth0's MAC address");
  }),
  refusesTuning("a sysctl outside of net", { sysctl: { "kernel.hostname": "intruder" } }),
  refusesTuning("a sysctl that leads out of net", { sysctl: { "net/../kernel/hostname": "intruder" } }),
  refusesTuning("a sysctl that is not there", { sysctl: { "net.core.no_such_thing": "1" } }),
  limited(
    "ingressRate of the configuration limits what comes to the container",
    { ingressRate: rate, ingressBurst: 800_000 },
    "container",
    "configuration",
  ),
  limited(
    "egressRate of the configuration limits what leaves the container",
    { egressRate: rate, egressBurst: 800_000 },
    "host",
    "configuration",
  ),
  limited(
    "ingressRate of the runtime limits what comes to the container",
    { ingressRate: rate, ingressBurst: 800_000 },
    "container",
    "runtime",
  ),
  limited(
    "egressRate of the runtime limits what leaves the container",
    { egressRate: rate, egressBurst: 800_000 },
    "host",
    "runtime",
  ),
  check("required", "bandwidth: without rates nothing is limited", "reference bandwidth", shaped, async (t) => {
    const took = await seconds(t, {}, "container", "configuration");
    expect(took < 0.6, `a megabyte took ${took.toFixed(2)} s`);
  }),
  ...[{ ingressRate: rate }, { egressBurst: 800_000 }].map((rates) =>
    check(
      "required",
      `bandwidth: ${Object.keys(rates).join("")} alone is refused`,
      "reference bandwidth",
      shaped,
      async (t) => {
        const c = await t.container();
        const prevResult = await t.add(bridge(t), c);
        await t.refuses("ADD", { cniVersion: t.version, name: t.network, type: "bandwidth", ...rates, prevResult }, c);
      },
    ),
  ),
  check(
    "required",
    "firewall: containers are let through on a host that forwards nothing by itself",
    "reference firewall",
    { ...onFirewall, features: ["firewall", "nft"] },
    async (t) => {
      await forwardsNothing(t);
      const [c, without, outside] = [await t.container(), await t.container(), await t.outside()];
      await new Chain(t, [routedBridge(t), { type: "firewall" }]).add(c);
      await new Chain(t, [other(t)], `${t.network}-second`).add(without);
      await outside.listen("tcp", 8000);
      expect(
        (await c.dial("tcp", "192.0.2.2", 8000, { timeout: 3000 })) !== undefined,
        "it does not reach the machine outside",
      );
      expect(
        (await without.dial("tcp", "192.0.2.2", 8000, { timeout: 700 })) === undefined,
        "one without the plugin does as well: the host forwards",
      );
    },
  ),
  check(
    "required",
    "firewall: without a policy networks reach each other",
    "reference firewall: open",
    onFirewall,
    async (t) => {
      equal(await policy(t, "open"), [true, true], "whether the neighbour and the other network are reached");
    },
  ),
  check(
    "recommended",
    "firewall: ingressPolicy same-bridge keeps networks apart",
    "reference firewall since 1.1",
    onFirewall,
    async (t) => {
      equal(await policy(t, "same-bridge"), [true, false], "whether the neighbour and the other network are reached");
    },
  ),
  check(
    "recommended",
    "firewall: an unknown ingressPolicy is refused",
    "reference firewall since 1.1",
    onFirewall,
    async (t) => {
      const c = await t.container();
      const prevResult = await t.add(routedBridge(t), c);
      await t.refuses(
        "ADD",
        { cniVersion: t.version, name: t.network, type: "firewall", ingressPolicy: "sideways", prevResult },
        c,
      );
    },
  ),
  check(
    "required",
    "sbr: what leaves from the interface's address takes the interface's own table",
    "reference sbr",
    [...net, "sbr"],
    async (t) => {
      const c = await t.container();
      const chain = new Chain(t, [routedBridge(t), { type: "sbr" }]);
      const result = await chain.add(c);
      const rules = list(await c.ip("rule")).filter(
        (rule) => text(rule, "src") === bare(addressesOf(result)[0]?.address ?? ""),
      );
      equal(rules.length, 1, "rules for the address");
      const routes = list(await c.routes(4, text(rules[0], "table") ?? "main")).map(
        (route) => text(route, "dst") ?? "",
      );
      expect(routes.includes("default"), `the table's routes are ${routes.join(", ")}`);
    },
  ),
  check(
    "required",
    "vrf: the interface is enslaved and keeps its address",
    "reference vrf",
    { types: [...net, "vrf"], features: ["vrf"], since: "0.3.1" },
    async (t) => {
      const c = await t.container();
      await new Chain(t, [routedBridge(t), { type: "vrf", vrfname: "blue" }]).add(c);
      equal(text(await c.link("eth0"), "master"), "blue", "eth0's master");
      equal(await c.addresses("eth0"), [`${t.prefix()}.2/24`], "addresses of eth0");
    },
  ),
]);
