/** Plugins that make other interfaces than bridge ports: ptp, macvlan, ipvlan, vlan. */
import { check, group } from "../check.ts";
import { after, hostLocal, macvlan, parentLink, ptp } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type JsonObject, list, text } from "../json.ts";
import { addressIn, reaches } from "../reach.ts";
import { addressesOf } from "../result.ts";
import { linksBecome } from "../settling.ts";
import type { Trial } from "../trial.ts";

const onMacvlan = { types: ["macvlan", "host-local"], features: ["macvlan"] } as const;
const onIpvlan = { types: ["ipvlan", "host-local"], features: ["ipvlan"] } as const;
const ipvlan = (t: Trial, more: JsonObject = {}): JsonObject => macvlan(t, { type: "ipvlan", mode: "l2", ...more });
const toPtp = ["ptp", "host-local"];

/** Other interfaces. */
export const links = group("other interfaces", [
  check(
    "required",
    "ptp: the container reaches the world, and the host reaches it",
    "reference ptp",
    { types: toPtp, since: "0.3.0" },
    async (t) => {
      const [c, outside, host] = [await t.container(), await t.outside(), t.atHost()];
      const result = await t.add(ptp(t), c);
      equal(
        addressesOf(result).map(({ interface: index }) => text(result, "interfaces", index ?? -1, "name") ?? ""),
        ["eth0"],
        "the interface of the address",
      );
      equal(await reaches(c, outside, "192.0.2.2"), addressIn(result), "the address that the machine outside sees");
      await reaches(host, c, addressIn(result), 8001);
    },
  ),
  check("required", "ptp: two containers reach each other through the host", "reference ptp", toPtp, async (t) => {
    const [a, b] = [await t.container(), await t.container()];
    const from = addressIn(await t.add(ptp(t), a));
    equal(await reaches(a, b, addressIn(await t.add(ptp(t), b))), from, "the address that is seen");
  }),
  check(
    "required",
    "ptp: ipMasq hides the container behind the host's address",
    "reference ptp",
    { types: toPtp, features: ["firewall"] },
    async (t) => {
      const [c, outside] = [await t.container(), await t.outside()];
      await t.add(ptp(t, { ipMasq: true }), c);
      equal(await reaches(c, outside, "192.0.2.2"), "192.0.2.1", "the address that the machine outside sees");
    },
  ),
  check("required", "ptp: mtu is the mtu of the interface", "reference ptp", toPtp, async (t) => {
    const c = await t.container();
    await t.add(ptp(t, { mtu: 1400 }), c);
    equal(at(await c.link("eth0"), "mtu"), 1400, "eth0's mtu");
  }),
  check(
    "required",
    "ptp: DEL after the namespace vanished gives the address back",
    "CNI 1.1 §2 DEL",
    toPtp,
    async (t) => {
      const config = ptp(t, {
        ipam: hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.9`, rangeEnd: `${t.prefix()}.9` }),
      });
      const c = await t.container();
      const result = await t.add(config, c);
      await c.vanish();
      await t.del(after(config, result), c);
      await t.add(config, await t.container());
    },
  ),
  check(
    "required",
    "macvlan: the interface is up, on its parent, in its mode, and alone in the result",
    "reference macvlan",
    { ...onMacvlan, since: "0.3.0" },
    async (t) => {
      await parentLink(t);
      const c = await t.container();
      const result = await t.add(macvlan(t, { mode: "private" }), c);
      const link = await c.link("eth0");
      equal(
        [text(link, "linkinfo", "info_kind") ?? "", text(link, "linkinfo", "info_data", "mode") ?? ""],
        ["macvlan", "private"],
        "kind and mode",
      );
      expect(list(link, "flags").includes("UP"), "eth0 is not up");
      equal(
        list(result, "interfaces").map((item) => text(item, "name") ?? ""),
        ["eth0"],
        "interfaces of the result",
      );
      equal(text(result, "interfaces", 0, "mac"), text(link, "address"), "the MAC address of the result");
    },
  ),
  check("required", "macvlan: containers on one parent reach each other", "reference macvlan", onMacvlan, async (t) => {
    await parentLink(t);
    const [a, b] = [await t.container(), await t.container()];
    await t.add(macvlan(t), a);
    await reaches(a, b, addressIn(await t.add(macvlan(t), b)));
  }),
  check(
    "required",
    "macvlan: mtu and MAC address are as asked for",
    "reference macvlan, CONVENTIONS mac",
    onMacvlan,
    async (t) => {
      await parentLink(t);
      const c = await t.container();
      await t.add(macvlan(t, { mtu: 1400, runtimeConfig: { mac: "02:00:00:00:00:42" } }), c);
      const link = await c.link("eth0");
      equal([at(link, "mtu") ?? 0, text(link, "address") ?? ""], [1400, "02:00:00:00:00:42"], "mtu and MAC address");
    },
  ),
  check("required", "macvlan: an mtu above the parent's is refused", "reference macvlan", onMacvlan, async (t) => {
    await parentLink(t);
    await t.refuses("ADD", macvlan(t, { mtu: 9000 }), await t.container());
  }),
  check("required", "macvlan: an unknown mode is refused", "reference macvlan", onMacvlan, async (t) => {
    await parentLink(t);
    await t.refuses("ADD", macvlan(t, { mode: "sideways" }), await t.container());
  }),
  check("required", "macvlan: a parent that is not there is refused", "reference macvlan", onMacvlan, async (t) => {
    const c = await t.container();
    await t.refuses("ADD", macvlan(t, { master: "nowhere0" }), c);
    await linksBecome(c, ["lo"], "links of the container");
  }),
  check(
    "recommended",
    "macvlan: without master the link of the default route is the parent",
    "reference macvlan",
    onMacvlan,
    async (t) => {
      const [c] = [await t.container(), await t.outside()];
      const { master: _none, ...config } = macvlan(t);
      await t.add(config, c);
      expect((await c.link("eth0")) !== undefined, "there is no eth0");
    },
  ),
  check(
    "required",
    "macvlan: without ipam the interface is up and has no address",
    "reference macvlan",
    { ...onMacvlan, since: "0.3.0" },
    async (t) => {
      await parentLink(t);
      const c = await t.container();
      const { ipam: _none, ...config } = macvlan(t);
      equal(addressesOf(await t.add(config, c)).length, 0, "the number of addresses");
      expect(list(await c.link("eth0"), "flags").includes("UP"), "eth0 is not up");
    },
  ),
  check("required", "macvlan: DEL succeeds when the parent is gone", "CNI 1.1 §2 DEL", onMacvlan, async (t) => {
    await parentLink(t);
    const c = await t.container();
    const result = await t.add(macvlan(t), c);
    await t.host.shell(`ip link delete ${t.link("pa")}`);
    await t.del(after(macvlan(t), result), c);
  }),
  ...(["l2", "l3", "l3s"] as const).map((mode) =>
    check(
      "required",
      `ipvlan: containers on one parent reach each other in mode ${mode}`,
      "reference ipvlan",
      onIpvlan,
      async (t) => {
        await parentLink(t);
        const [a, b] = [await t.container(), await t.container()];
        await t.add(ipvlan(t, { mode }), a);
        await reaches(a, b, addressIn(await t.add(ipvlan(t, { mode }), b)));
      },
    ),
  ),
  check("required", "ipvlan: DEL takes the interface away, again succeeds", "CNI 1.1 §2 DEL", onIpvlan, async (t) => {
    await parentLink(t);
    const c = await t.container();
    const config = after(ipvlan(t), await t.add(ipvlan(t), c));
    for (const _time of ["first", "second"]) await t.del(config, c);
    await linksBecome(c, ["lo"], "links of the container");
  }),
  check(
    "required",
    "vlan: the interface has its VLAN and address, and DEL takes it away",
    "reference vlan",
    { types: ["vlan", "host-local"], features: ["vlan"] },
    async (t) => {
      await parentLink(t);
      const c = await t.container();
      const config = { ...macvlan(t), type: "vlan", vlanId: 7 };
      const result = await t.add(config, c);
      equal(at(await c.link("eth0"), "linkinfo", "info_data", "id"), 7, "the VLAN");
      await t.del(after(config, result), c);
      await linksBecome(c, ["lo"], "links of the container");
    },
  ),
]);
