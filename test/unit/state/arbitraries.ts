/** Random kernel states that can be: objects of every kind, drawn from small sets of names so that two states have much in common. */
import fc from "fast-check";
import { type InterfaceAddress, parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { keyOf } from "../../../src/state/kinds/registry.ts";
import { ipSaddr } from "../../../src/state/nft/selectors.ts";
import { accept, drop, jump, lookup, rule } from "../../../src/state/nft/statements.ts";
import type { KernelObject, NftDataType } from "../../../src/state/objects.ts";
import { ordered } from "../../../src/state/plan.ts";
import { MemoryKernel } from "../../support/memory-kernel.ts";
import type { ForeignState } from "../../support/memory-rules.ts";

const paths = ["/run/a", "/run/b"] as const;
const inside = fc.constantFrom(...paths);
const anywhere = fc.constantFrom("host", ...paths);
const bridges = ["br0", "br1"] as const;
const interfaces = ["eth0", "eth1"] as const;
const mtu = fc.constantFrom(1400, 1500);
const macs = ["02:00:00:00:00:01", "02:00:00:00:00:02"].map(parseMac);

/** An optional field: absent in some objects. */
const maybe = <Value>(value: fc.Arbitrary<Value>): { readonly arb: fc.Arbitrary<Value | undefined> } => ({
  arb: fc.option(value, { nil: undefined }),
});

/** An object without the fields that are undefined. */
function compact<Object extends KernelObject>(
  object: { readonly [Field in keyof Object]: Object[Field] | undefined },
): Object {
  // Only fields that may be absent are ever undefined.
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as unknown as Object;
}

const namespace = inside.map((path): KernelObject => ({ kind: "namespace", path }));

const bridge = fc
  .record({
    name: fc.constantFrom(...bridges),
    mtu: maybe(mtu).arb,
    spanningTree: maybe(fc.boolean()).arb,
    ipFiltering: maybe(fc.boolean()).arb,
    defaultVlan: maybe(fc.constantFrom(0, 1)).arb,
  })
  .map((given): KernelObject => compact({ kind: "link", type: "bridge", namespace: "host", up: true, ...given }));

const veth = fc
  .record({
    name: fc.constantFrom("veth0", "veth1", "veth2"),
    master: maybe(fc.constantFrom(...bridges)).arb,
    mtu: maybe(mtu).arb,
    port: maybe(fc.record({ hairpin: fc.boolean() })).arb,
    peer: fc.record({
      namespace: inside,
      name: fc.constantFrom(...interfaces),
      up: fc.constant(true),
      mac: fc.constantFrom(...macs),
    }),
  })
  .map((given): KernelObject => compact({ kind: "link", type: "veth", namespace: "host", up: true, ...given }));

const alone = fc
  .record({ namespace: inside, mtu: maybe(mtu).arb, table: fc.constantFrom(undefined, 100, 101) })
  .map(({ table, ...given }): KernelObject => {
    const base = { kind: "link", up: true, ...given } as const;
    return table === undefined
      ? compact({ ...base, type: "dummy", name: "dummy0" })
      : compact({ ...base, type: "vrf", name: "red", table });
  });
const enslaved = fc
  .record({ namespace: inside, link: fc.constantFrom(...interfaces) })
  .map((given): KernelObject => ({ kind: "link-setting", setting: "master", value: "red", original: "", ...given }));

/** What the host has of its own. */
export const foreign: ForeignState = { links: ["nic0", "nic1"].map((name) => ({ name, type: "" })) };

const moved = fc
  .record({
    name: fc.constantFrom("nic0", "nic1"),
    namespace: inside,
    newName: fc.constantFrom(...interfaces),
    mtu: maybe(mtu).arb,
    up: fc.constant(true),
  })
  .map((given): KernelObject => compact({ kind: "moved-link", ...given }));

const address = fc.oneof(
  fc
    .record({ namespace: inside, link: fc.constantFrom(...interfaces), last: fc.constantFrom(2, 3), v6: fc.boolean() })
    .map(
      ({ namespace, link, last, v6 }): KernelObject => ({
        kind: "address",
        namespace,
        link,
        address: inSandbox(link, last, v6),
      }),
    ),
  fc.constantFrom(...bridges).map(
    (link): KernelObject => ({
      kind: "address",
      namespace: "host",
      link,
      address: parseInterfaceAddress("10.9.0.1/16"),
    }),
  ),
);

function inSandbox(link: string, last: number, v6: boolean): InterfaceAddress {
  const net = link === "eth0" ? 1 : 2;
  return parseInterfaceAddress(v6 ? `fd00:${net}::${last}/64` : `10.${net}.0.${last}/24`);
}

const route = fc
  .record({
    namespace: inside,
    family: fc.constantFrom(4 as const, 6 as const),
    link: fc.constantFrom(...interfaces),
    destination: fc.constantFrom("default" as const, parseSubnet("192.0.2.0/24"), parseSubnet("2001:db8::/64")),
    metric: maybe(fc.constantFrom(5)).arb,
    mtu: maybe(mtu).arb,
  })
  .filter(({ family, destination }) => destination === "default" || (family === 6) === destination.includes(":"))
  .map((given): KernelObject => {
    const net = given.link === "eth0" ? 1 : 2;
    const gateway = parseIp(given.family === 4 ? `10.${net}.0.1` : `fd00:${net}::1`);
    return compact({ kind: "route", gateway, ...given });
  });

const neighbour = fc
  .record({ namespace: inside, link: fc.constantFrom(...interfaces), mac: fc.constantFrom(...macs) })
  .map((given): KernelObject => ({ kind: "neighbour", address: parseIp("10.1.0.9"), ...given }));

const policyRule = fc
  .record({ namespace: anywhere, family: fc.constantFrom(4 as const, 6 as const), table: fc.constantFrom(100, 101) })
  .map((given): KernelObject => ({ kind: "rule", priority: 1000, ...given }));

const sysctl = fc.oneof(
  fc.constantFrom("0", "1").map(
    (value): KernelObject => ({
      kind: "sysctl",
      namespace: "host",
      name: "net/ipv4/ip_forward",
      value,
      original: "0",
    }),
  ),
  fc.record({ namespace: inside, link: fc.constantFrom(...interfaces), value: fc.constantFrom("0", "1") }).map(
    ({ namespace, link, value }): KernelObject => ({
      kind: "sysctl",
      namespace,
      name: `net/ipv6/conf/${link}/accept_ra`,
      value,
    }),
  ),
);

/** On a link that is described itself, a setting of something that is not said there. */
const linkSetting = fc.oneof(
  fc
    .record({
      link: fc.constantFrom(...bridges),
      setting: fc.constantFrom("promiscuous" as const, "all-multicast" as const),
    })
    .map(
      (given): KernelObject => ({ kind: "link-setting", namespace: "host", value: "on", original: "off", ...given }),
    ),
  fc
    .record({ namespace: inside, link: fc.constantFrom(...interfaces), value: fc.constantFrom("500", "2000") })
    .map((given): KernelObject => ({ kind: "link-setting", setting: "transmit-queue", ...given })),
);

const bridgeVlan = fc
  .record({
    link: fc.constantFrom("veth0", "veth1", ...bridges),
    id: fc.constantFrom(10, 20),
    untagged: fc.boolean(),
    pvid: fc.boolean(),
  })
  .map(
    (given): KernelObject =>
      compact({
        kind: "bridge-vlan",
        namespace: "host",
        ...given,
        self: given.link.startsWith("br") ? (true as const) : undefined,
      }),
  );

const qdisc = fc
  .record({ namespace: inside, link: fc.constantFrom(...interfaces), rate: fc.constantFrom(125_000, 250_000) })
  .map((given): KernelObject => ({ kind: "qdisc", type: "tbf", burst: 20_000, latency: 25_000, ...given }));

const file = fc
  .record({
    path: fc.constantFrom("/run/hosts", "/run/resolv"),
    content: fc.string(),
    mode: fc.constantFrom(0o600, 0o644),
  })
  .map((given): KernelObject => ({ kind: "file", ...given }));

const inTable = { namespace: "host", table: "t" } as const;
const chains = ["base", "one", "two"] as const;
const key: readonly NftDataType[] = ["ipv4_addr"];

const table = fc.constant<KernelObject>({ kind: "nft-table", namespace: "host", name: "t" });
const chain = fc
  .record({
    name: fc.constantFrom(...chains),
    priority: fc.constantFrom(0, 10),
    policy: fc.constantFrom("accept" as const, "drop" as const),
  })
  .map(({ name, ...base }): KernelObject => {
    const whole = name === "base" ? { base: { type: "filter", hook: "forward", ...base } as const } : {};
    return { kind: "nft-chain", ...inTable, name, ...whole };
  });
const set = fc.record({ name: fc.constantFrom("s", "m"), interval: fc.boolean() }).map(
  ({ name, interval }): KernelObject => ({
    kind: "nft-set",
    ...inTable,
    name,
    key,
    ...(interval && { interval }),
    ...(name === "m" && { data: ["verdict"] }),
  }),
);
const statements = fc.constantFrom(
  [accept()],
  [drop()],
  [jump("one")],
  [jump("two")],
  [lookup(ipSaddr(), "s"), drop()],
);
const nftRule = fc
  .record({
    chain: fc.constantFrom("base", "one"),
    id: fc.constantFrom("x", "y"),
    position: fc.constantFrom(10, 20),
    of: statements,
  })
  // A chain that jumps to itself is a loop, which Linux refuses.
  .filter(({ chain, of }) => !(chain === "one" && JSON.stringify(of).includes('"one"')))
  .map(({ of, ...given }): KernelObject => ({ kind: "nft-rule", ...inTable, ...given, expressions: rule(...of) }));
const element = fc
  .record({
    set: fc.constantFrom("s", "m"),
    value: fc.constantFrom("10.0.0.1", "10.0.0.2"),
    verdict: fc.constantFrom("drop", "jump two"),
  })
  .map(
    ({ set, value, verdict }): KernelObject => ({
      kind: "nft-element",
      ...inTable,
      set,
      type: set === "m" ? { key, data: ["verdict"] } : { key },
      key: [value],
      ...(set === "m" && { data: [verdict] }),
    }),
  );

/** One object, not always one that can be. */
export const object: fc.Arbitrary<KernelObject> = fc.oneof(
  { arbitrary: namespace, weight: 2 },
  bridge,
  { arbitrary: veth, weight: 3 },
  alone,
  enslaved,
  moved,
  { arbitrary: address, weight: 4 },
  { arbitrary: route, weight: 3 },
  neighbour,
  policyRule,
  sysctl,
  linkSetting,
  bridgeVlan,
  qdisc,
  file,
  { arbitrary: table, weight: 2 },
  { arbitrary: chain, weight: 2 },
  set,
  { arbitrary: nftRule, weight: 2 },
  element,
);

/** Objects that can be there together, each with what it stands on. */
export const state: fc.Arbitrary<readonly KernelObject[]> = fc
  .array(object, { minLength: 20, maxLength: 60, size: "max" })
  .map((objects) => consistent(objects));

/** The objects that Linux would make when asked for one after the other, in an order that suits it. */
function consistent(objects: readonly KernelObject[]): readonly KernelObject[] {
  const kernel = new MemoryKernel(foreign);
  const kept: KernelObject[] = [];
  const seen = new Set<string>();
  for (const { object } of ordered(objects.map((object) => ({ action: "create", object })))) {
    try {
      const id = keyOf(object);
      if (seen.has(id)) continue;
      kernel.transact([{ action: "create", object }], (_change, refusal) => refusal);
      seen.add(id);
      kept.push(object);
    } catch {
      // It cannot be beside the others.
    }
  }
  return kept;
}
