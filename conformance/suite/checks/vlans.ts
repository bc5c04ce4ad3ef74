/** VLANs of a bridge: which of them a container's port is in, and what the host has there. */
import { check, group } from "../check.ts";
import { after, bridge, hostLocal } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type JsonObject, list, parse, text } from "../json.ts";
import { addressIn, reaches } from "../reach.ts";
import type { Trial } from "../trial.ts";

const types = ["bridge", "host-local"];
const onVlans = { types, features: ["vlan filtering"] } as const;
const plugin = "reference plugins (bridge)";

/** A bridge network without a gateway. */
const plain = (t: Trial, more: JsonObject): JsonObject => bridge(t, { isGateway: false, ...more });

/** The VLANs of a bridge's port, or of the bridge itself: "1 untagged", "10 pvid untagged", "20". */
async function vlansOf(t: Trial, link: string): Promise<readonly string[]> {
  const told = parse(await t.host.shell(`bridge -j vlan show dev ${link}`)) ?? [];
  return list(at(told, 0), "vlans").map((vlan) =>
    [String(at(vlan, "vlan")), ...list(vlan, "flags").map((flag) => String(flag))]
      .join(" ")
      .replace("PVID", "pvid")
      .replace("Egress Untagged", "untagged"),
  );
}

/** The VLANs of the only container's port. */
const portVlans = async (t: Trial): Promise<readonly string[]> =>
  vlansOf(t, text(parse(await t.host.shell(`ip -j link show master ${t.link()}`)) ?? [], 0, "ifname") ?? "");

const mistakes: readonly (readonly [words: string, reference: string, config: JsonObject])[] = [
  ["a vlan of 4095", plugin, { vlan: 4095 }],
  ["a vlanTrunk whose minID is above its maxID", `${plugin} since 1.2`, { vlanTrunk: [{ minID: 20, maxID: 10 }] }],
  ["a vlanTrunk with a minID and no maxID", `${plugin} since 1.2`, { vlanTrunk: [{ minID: 20 }] }],
  ["a vlanTrunk with an id of 0", `${plugin} since 1.2`, { vlanTrunk: [{ id: 0 }] }],
];

/** VLANs of bridges. */
export const vlans = group("bridge VLANs", [
  check("recommended", "vlan puts the port into a VLAN, untagged", plugin, onVlans, async (t) => {
    const [a, b, other] = [await t.container(), await t.container(), await t.container()];
    await t.add(plain(t, { vlan: 10 }), a);
    const address = addressIn(await t.add(plain(t, { vlan: 10 }), b));
    await t.add(plain(t, { vlan: 20 }), other);
    await reaches(a, b, address);
    expect((await other.dial("tcp", address, 8000, { timeout: 700 })) === undefined, "another VLAN reaches it");
  }),
  check("recommended", "the port stays in the bridge's own VLAN as well", plugin, onVlans, async (t) => {
    await t.add(plain(t, { vlan: 10 }), await t.container());
    equal(await portVlans(t), ["1 untagged", "10 pvid untagged"], "VLANs of the port");
  }),
  check(
    "recommended",
    "with preserveDefaultVlan false the port leaves the bridge's own VLAN",
    `${plugin} since 1.3`,
    onVlans,
    async (t) => {
      await t.add(plain(t, { vlan: 10, preserveDefaultVlan: false }), await t.container());
      equal(await portVlans(t), ["10 pvid untagged"], "VLANs of the port");
    },
  ),
  check("recommended", "vlanTrunk puts the port into VLANs, tagged", `${plugin} since 1.2`, onVlans, async (t) => {
    const trunk = [{ minID: 10, maxID: 11 }, { id: 20 }];
    await t.add(plain(t, { vlanTrunk: trunk }), await t.container());
    equal(await portVlans(t), ["1 pvid untagged", "10", "11", "20"], "VLANs of the port");
  }),
  check(
    "recommended",
    "with isGateway containers in a VLAN reach their gateway, beside those without",
    plugin,
    onVlans,
    async (t) => {
      const [inside, beside, host] = [await t.container(), await t.container(), t.atHost()];
      await t.add(bridge(t), beside);
      const subnet = t.subnet(1);
      const inVlan = bridge(t, { name: `${t.network}-10`, vlan: 10, ipam: hostLocal(t, { subnet }) });
      const result = await t.add(inVlan, inside);
      await reaches(inside, host, `${t.prefix(1)}.1`);
      await reaches(beside, host, `${t.prefix()}.1`, 8001);
      expect(
        list(result, "interfaces").some((one) => text(one, "name") === `${t.link()}.10`),
        `the result does not tell of ${t.link()}.10`,
      );
    },
  ),
  check(
    "beyond",
    "what the host has in a VLAN goes with its last container, and the bridge leaves it",
    "a plugin that keeps records can",
    onVlans,
    async (t) => {
      const [inside, beside, host] = [await t.container(), await t.container(), t.atHost()];
      await t.add(bridge(t), beside);
      const before = await vlansOf(t, t.link());
      const ipam = hostLocal(t, { subnet: t.subnet(1) });
      const inVlan = bridge(t, { name: `${t.network}-10`, vlan: 10, ipam });
      await t.del(after(inVlan, await t.add(inVlan, inside)), inside);
      expect((await host.link(`${t.link()}.10`)) === undefined, `${t.link()}.10 is still there`);
      equal(await vlansOf(t, t.link()), before, "VLANs of the bridge");
    },
  ),
  check(
    "beyond",
    "CHECK fails when the port's VLAN is gone",
    "CNI 1.1 §2 CHECK",
    { ...onVlans, since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      const config = plain(t, { vlan: 10 });
      const checked = after(config, await t.add(config, c));
      await t.check(checked, c);
      await t.host.shell(
        `for port in $(ls /sys/class/net/${t.link()}/brif); do bridge vlan delete dev $port vid 10; done`,
      );
      await t.refuses("CHECK", checked, c);
    },
  ),
  ...mistakes.map(([words, reference, config]) =>
    check("recommended", `${words} is refused`, reference, types, async (t) => {
      const c = await t.container();
      await t.refuses("ADD", plain(t, config), c);
      expect((await c.link("eth0")) === undefined, "there is an eth0");
    }),
  ),
]);
