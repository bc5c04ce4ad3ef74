/** CHECK: passes while everything is as ADD made it, and fails when it no longer is. */
import { check, type Entry, group } from "../check.ts";
import {
  after,
  bridge,
  Chain,
  dualStack,
  hostLocal,
  macvlan,
  parentLink,
  ptp,
  routedBridge,
} from "../configuration.ts";
import { expect } from "../expectation.ts";
import type { JsonObject } from "../json.ts";
import type { Feature } from "../lab/features.ts";
import { addressesOf, bare } from "../result.ts";
import type { Container, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const reference = "CNI 1.1 §2 CHECK";

/** CHECK passes, something happens, and CHECK fails. */
const notices = (
  name: string,
  happens: (t: Trial, c: Container) => Promise<unknown>,
  level: "required" | "recommended" = "required",
): Entry =>
  check(level, `CHECK fails after ${name}`, reference, { types: net, since: "0.4.0" }, async (t) => {
    const config = routedBridge(t, {
      ipam: hostLocal(t, { routes: [{ dst: "198.51.100.0/24", gw: `${t.prefix()}.1` }] }),
    });
    const c = await t.container();
    const checked = after(config, await t.add(config, c));
    await t.check(checked, c);
    await happens(t, c);
    await t.refuses("CHECK", checked, c);
  });

/** CHECK passes although something happened. */
const tolerates = (name: string, happens: (t: Trial, c: Container) => Promise<unknown>): Entry =>
  check(
    "required",
    `CHECK passes after ${name}`,
    `${reference}: changes by later plugins`,
    { types: net, since: "0.4.0" },
    async (t) => {
      const config = routedBridge(t);
      const c = await t.container();
      const checked = after(config, await t.add(config, c));
      await happens(t, c);
      await t.check(checked, c);
    },
  );

interface Subject {
  readonly types: readonly string[];
  readonly features?: readonly Feature[];
  readonly prepare?: (t: Trial) => Promise<unknown>;
  readonly plugins: (t: Trial) => readonly JsonObject[];
  readonly capabilities?: JsonObject;
  /** What CHECK has to notice. */
  readonly damage?: readonly [string, (t: Trial, c: Container) => Promise<unknown>];
}

const subjects: Readonly<Record<string, Subject>> = {
  ptp: {
    types: ["ptp", "host-local"],
    plugins: (t) => [ptp(t)],
    damage: ["the address is gone", (_t, c) => c.shell("ip address flush dev eth0")],
  },
  macvlan: {
    types: ["macvlan", "host-local"],
    features: ["macvlan"],
    prepare: parentLink,
    plugins: (t) => [macvlan(t)],
    damage: ["the interface is gone", (_t, c) => c.shell("ip link delete eth0")],
  },
  ipvlan: {
    types: ["ipvlan", "host-local"],
    features: ["ipvlan"],
    prepare: parentLink,
    plugins: (t) => [macvlan(t, { type: "ipvlan", mode: "l2" })],
    damage: ["the interface is gone", (_t, c) => c.shell("ip link delete eth0")],
  },
  vlan: {
    types: ["vlan", "host-local"],
    features: ["vlan"],
    prepare: parentLink,
    plugins: (t) => [{ ...macvlan(t), type: "vlan", vlanId: 7 }],
    damage: ["the interface is gone", (_t, c) => c.shell("ip link delete eth0")],
  },
  "host-device": {
    types: ["host-device", "host-local"],
    prepare: parentLink,
    plugins: (t) => [{ type: "host-device", device: t.link("pa"), ipam: hostLocal(t) }],
    damage: ["the device is gone", (t) => t.host.shell(`ip link delete ${t.link("pb")}`)],
  },
  portmap: {
    types: [...net, "portmap"],
    features: ["firewall"],
    plugins: (t) => [routedBridge(t), { type: "portmap", capabilities: { portMappings: true } }],
    capabilities: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
  },
  firewall: {
    types: [...net, "firewall"],
    features: ["firewall"],
    plugins: (t) => [routedBridge(t), { type: "firewall" }],
  },
  bandwidth: {
    types: [...net, "bandwidth"],
    features: ["shaping", "ifb"],
    plugins: (t) => [
      routedBridge(t),
      { type: "bandwidth", ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 },
    ],
    damage: [
      "the queues are gone",
      (t) =>
        t.host.shell(
          `for link in $(ip -o link | sed 's/^[0-9]*: //; s/[@:].*//'); do tc qdisc delete dev $link root 2>/dev/null || true; done; ! tc qdisc | grep tbf`,
        ),
    ],
  },
  tuning: {
    types: [...net, "tuning"],
    plugins: (t) => [routedBridge(t), { type: "tuning", sysctl: { "net.core.somaxconn": "500" } }],
    damage: ["the sysctl has another value", (_t, c) => c.shell("echo 400 > /proc/sys/net/core/somaxconn")],
  },
  "tuning by an interface's sysctl": {
    types: [...net, "tuning"],
    plugins: (t) => [routedBridge(t), { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1" } }],
  },
};

const ofSubject = ([name, subject]: readonly [string, Subject]): readonly Entry[] => {
  const needs = {
    types: subject.types,
    since: "0.4.0",
    ...(subject.features === undefined ? {} : { features: subject.features }),
  } as const;
  const attach = async (t: Trial) => {
    await subject.prepare?.(t);
    const chain = new Chain(t, subject.plugins(t));
    const c = await t.container();
    const call = subject.capabilities === undefined ? {} : { capabilities: subject.capabilities };
    return { chain, c, call: { ...call, previous: await chain.add(c, call) } };
  };
  const { damage } = subject;
  const passes = check("required", `CHECK of ${name} passes right after ADD`, reference, needs, async (t) => {
    const { chain, c, call } = await attach(t);
    await chain.check(c, call);
  });
  if (damage === undefined) return [passes];
  const fails = check("required", `CHECK of ${name} fails when ${damage[0]}`, reference, needs, async (t) => {
    const { chain, c, call } = await attach(t);
    await chain.check(c, call);
    await damage[1](t, c);
    const config = chain.configuration(subject.plugins(t).at(-1) ?? {}, call.previous, subject.capabilities);
    await t.refuses("CHECK", config, c);
  });
  return [passes, fails];
};

/** CHECK. */
export const checking = group("checking", [
  ...(["0.4.0", "1.0.0", "1.1.0"] as const).map((version) =>
    check(
      "required",
      `CHECK passes right after ADD in version ${version}, for both families and routes`,
      reference,
      { types: net, version, features: ["ipv6"] },
      async (t) => {
        const config = routedBridge(t, {
          ipMasq: false,
          ipam: dualStack(t, { routes: [{ dst: "198.51.100.0/24", gw: `${t.prefix()}.1` }] }),
        });
        const c = await t.container();
        await t.check(after(config, await t.add(config, c)), c);
      },
    ),
  ),
  check(
    "required",
    "CHECK passes right after ADD with a route whose gateway is left to the plugin",
    `${reference}; CNI 1.1 §5 routes`,
    { types: net, since: "0.4.0" },
    async (t) => {
      const config = bridge(t, { ipam: hostLocal(t, { routes: [{ dst: "198.51.100.0/24" }] }) });
      const c = await t.container();
      await t.check(after(config, await t.add(config, c)), c);
    },
  ),
  check(
    "required",
    "CHECK passes on every container of a network",
    reference,
    { types: net, since: "0.4.0" },
    async (t) => {
      const config = routedBridge(t);
      const containers = await t.containers(3);
      const results = [];
      for (const c of containers) results.push(await t.add(config, c));
      for (const [index, c] of containers.entries()) await t.check(after(config, results[index] ?? null), c);
    },
  ),
  check("required", "CHECK without prevResult is refused", reference, { types: net, since: "0.4.0" }, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c);
    await t.refuses("CHECK", bridge(t), c);
  }),
  check("required", "CHECK after DEL fails", reference, { types: net, since: "0.4.0" }, async (t) => {
    const c = await t.container();
    const checked = after(bridge(t), await t.add(bridge(t), c));
    await t.del(checked, c);
    await t.refuses("CHECK", checked, c);
  }),
  check(
    "required",
    "CHECK of a namespace that vanished fails",
    reference,
    { types: net, since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      const checked = after(bridge(t), await t.add(bridge(t), c));
      await c.vanish();
      await t.refuses("CHECK", checked, c);
    },
  ),
  check("required", "CHECK changes nothing", reference, { types: net, since: "0.4.0" }, async (t) => {
    const c = await t.container();
    const checked = after(bridge(t), await t.add(bridge(t), c));
    const before = [...(await t.atHost().state()), ...(await c.state())].join("\n");
    await t.check(checked, c);
    expect([...(await t.atHost().state()), ...(await c.state())].join("\n") === before, "something is different");
  }),
  notices("the interface was deleted", (_t, c) => c.shell("ip link delete eth0")),
  notices("the interface was renamed", (_t, c) =>
    c.shell("ip link set eth0 down; ip link set eth0 name eth7; ip link set eth7 up"),
  ),
  notices("its address was removed", (_t, c) => c.shell("ip address flush dev eth0")),
  notices("its address was changed", (t, c) =>
    c.shell(
      `ip address flush dev eth0; ip address add ${t.prefix()}.77/24 dev eth0; ip route add default via ${t.prefix()}.1; ip route add 198.51.100.0/24 via ${t.prefix()}.1`,
    ),
  ),
  notices("the default route was removed", (_t, c) => c.shell("ip route delete default")),
  notices("a route of the result was removed", (_t, c) => c.shell("ip route delete 198.51.100.0/24")),
  notices("its MAC address was changed", (t, c) =>
    c.shell(
      `ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99; ip link set eth0 up; ip route replace default via ${t.prefix()}.1; ip route replace 198.51.100.0/24 via ${t.prefix()}.1`,
    ),
  ),
  notices("the bridge was deleted", (t) => t.host.shell(`ip link delete ${t.link()}`)),
  notices(
    "the interface was taken off the bridge",
    (t) =>
      t.host.shell(`for port in /sys/class/net/${t.link()}/brif/*; do ip link set $(basename $port) nomaster; done`),
    "recommended",
  ),
  notices("the interface was set down", (_t, c) => c.shell("ip link set eth0 down"), "recommended"),
  tolerates("another address was added", (_t, c) => c.shell("ip address add 172.31.0.9/24 dev eth0")),
  tolerates("another route was added", (t, c) => c.shell(`ip route add 203.0.113.0/24 via ${t.prefix()}.1`)),
  tolerates("another interface was added", (_t, c) => c.shell("ip link add eth5 type veth peer name eth6")),
  tolerates("its mtu was changed", (_t, c) => c.shell("ip link set eth0 mtu 1300")),
  check(
    "required",
    "CHECK of every plugin of a chain passes after a later one changed mtu and MAC address",
    `${reference}: changes by later plugins`,
    { types: [...net, "tuning"], since: "0.4.0" },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t), { type: "tuning", mac: "02:00:00:00:00:42", mtu: 1300 }]);
      const c = await t.container();
      await chain.check(c, { previous: await chain.add(c) });
    },
  ),
  check(
    "required",
    "CHECK of loopback fails when lo is down",
    reference,
    { types: ["loopback"], since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      const config = { cniVersion: t.version, name: t.network, type: "loopback" };
      const checked = after(config, await t.add(config, c, { ifname: "lo" }));
      await t.check(checked, c, { ifname: "lo" });
      await c.shell("ip link set lo down");
      await t.refuses("CHECK", checked, c, { ifname: "lo" });
    },
  ),
  check(
    "required",
    "after all firewall rules were flushed, CHECK of portmap fails or the port works",
    reference,
    { types: [...net, "portmap"], since: "0.4.0", features: ["nft"] },
    async (t) => {
      const plugin = { type: "portmap", capabilities: { portMappings: true } };
      const chain = new Chain(t, [routedBridge(t), plugin]);
      const [c, host] = [await t.container(), t.atHost()];
      const capabilities = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
      const previous = await chain.add(c, { capabilities });
      await c.listen("tcp", 80);
      await host.shell("nft flush ruleset");
      const { status } = await t.call("CHECK", chain.configuration(plugin, previous, capabilities), c);
      const answer = await host.dial("tcp", bare(addressesOf(previous)[0]?.gateway ?? ""), 8080, { timeout: 700 });
      expect(status !== 0 || answer !== undefined, "CHECK passes and the port does not work");
    },
  ),
  ...Object.entries(subjects).flatMap(ofSubject),
]);
