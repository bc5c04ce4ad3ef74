/** What the plugins of a chain made, as kernel objects. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import type { PublishedPort } from "../../../src/address/port.ts";
import { describeAttachment, withSettings } from "../../../src/drivers/attachment/describe.ts";
import { keyOf } from "../../../src/state/kinds/registry.ts";
import type { KernelObject } from "../../../src/state/objects.ts";
import type { BridgedInterface, Made, RoutedInterface } from "../../../src/store/attachment.ts";
import type { EndpointRecord } from "../../../src/store/records.ts";
import { endpointId, networkId } from "./records.ts";

const namespace = "/run/netns/c1";
const mac = parseMac("02:00:00:00:00:01");
const hostEnd = { name: "veth0", mac: parseMac("02:00:00:00:00:02") };

function describe(parts: readonly Made[], ports?: readonly PublishedPort[]) {
  const endpoint: EndpointRecord = {
    id: endpointId,
    name: "c1/eth0",
    networkId,
    created: "2026-01-01T00:00:00.000000000Z",
    aliases: [],
    options: {},
    labels: {},
    ...(ports !== undefined && { ports }),
    attachment: { containerId: "c1", parts: parts.map((made) => ({ plugin: made.kind, made })) },
    join: { sandboxId: "5", interfaceName: "eth0", gatewayPriority: 0 },
  };
  return describeAttachment(endpoint, namespace);
}

const keys = (objects: readonly KernelObject[]): readonly string[] => objects.map(keyOf);
const linkIn = (objects: readonly KernelObject[], name: string) =>
  objects.find((one) => one.kind === "link" && one.name === name);

const bridged: BridgedInterface = {
  kind: "bridged",
  hostEnd,
  bridge: "cni0",
  gateways: [],
  forwarding: [],
  masquerade: false,
  hairpin: false,
  isolated: false,
  promiscuous: false,
  raise: false,
  mac,
  addresses: [parseInterfaceAddress("10.1.0.2/24")],
  routes: [],
};
const routed: RoutedInterface = {
  kind: "routed",
  hostEnd,
  gateways: [parseIp("10.1.0.1")],
  masquerade: false,
  mac,
  addresses: [parseInterfaceAddress("10.1.0.2/24")],
  routes: [],
};

test("without more said a pair on somebody's bridge is the pair and the address inside", () => {
  const { objects } = describe([bridged]);
  assert.deepEqual(keys(objects), ["link host veth0", `address ${namespace} eth0 10.1.0.2/24`]);
  assert.deepEqual(linkIn(objects, "veth0"), {
    kind: "link",
    namespace: "host",
    type: "veth",
    name: "veth0",
    mac: hostEnd.mac,
    up: true,
    master: "cni0",
    addressGeneration: "none",
    peer: { namespace, name: "eth0", mac, up: true },
  });
});

test("who is held to his own MAC address is so by rules of the port's, with the address that a later plugin gave", () => {
  const set = {
    kind: "set",
    sysctls: [],
    links: [{ link: "eth0", setting: "mac", value: "02:00:00:00:00:09" }],
  } as const;
  const senders = (parts: readonly Made[]): readonly string[] =>
    keys(describe(parts).objects).filter((key) => key.startsWith("nft-element"));
  const held = { ...bridged, ownMacOnly: true } as const;
  const element = (set: string, key: string): string => `nft-element host bridge portolan ${set} ${key}`;
  assert.deepEqual(senders([held]), [element("guarded", "veth0"), element("senders", `veth0 . ${mac}`)]);
  assert.deepEqual(senders([held, set]), [
    element("guarded", "veth0"),
    element("senders", "veth0 . 02:00:00:00:00:09"),
  ]);
});

test("an interface that is left down has no state of ours", () => {
  const link = linkIn(describe([{ ...bridged, leftDown: true }]).objects, "veth0");
  assert.deepEqual(link?.kind === "link" && link.type === "veth" && link.peer, { namespace, name: "eth0", mac });
});

test("a bridge of our own comes along, with its addresses, and the host is made a router", () => {
  const own = { kind: "link", namespace: "host", type: "bridge", name: "cni0", up: true } as const;
  const gateways = ["10.1.0.1/24", "fd00::1/64"].map(parseInterfaceAddress);
  const { objects } = describe([{ ...bridged, own, gateways, forwarding: [4, 6] }]);
  const described = keys(objects);
  for (const key of [
    "link host cni0",
    "address host cni0 10.1.0.1/24",
    "address host cni0 fd00::1/64",
    "address host cni0 fe80::1/64",
    "sysctl host net/ipv4/ip_forward",
    "sysctl host net/ipv6/conf/all/forwarding",
    "sysctl host net/ipv6/conf/cni0/accept_ra",
  ]) {
    assert.ok(described.includes(key), `${key} is missing in ${described.join(", ")}`);
  }
  assert.ok(!keys(describe([{ ...bridged, gateways }]).objects).includes("link host cni0"));
});

test("the bridge's port turns packets back where the container has ports or it is asked for, and is kept apart where that is", () => {
  const port = (more: Partial<BridgedInterface>, ports?: readonly PublishedPort[]) => {
    const link = linkIn(describe([{ ...bridged, ...more }], ports).objects, "veth0");
    return link?.kind === "link" && link.type === "veth" ? link.port : undefined;
  };
  assert.deepEqual(port({ hairpin: true }), { hairpin: true });
  assert.deepEqual(port({ isolated: true }), { isolated: true });
  const range = { first: 80, last: 80 };
  assert.deepEqual(port({}, [{ protocol: "tcp", host: range, container: range }]), { hairpin: true });
});

test("what somebody's bridge has to be is a setting that goes back", () => {
  const { objects } = describe([{ ...bridged, promiscuous: true, raise: true }]);
  const settings = objects.flatMap((one) =>
    one.kind === "link-setting" ? [[one.namespace, one.link, one.setting, one.value]] : [],
  );
  assert.deepEqual(settings, [
    ["host", "cni0", "promiscuous", "on"],
    ["host", "cni0", "up", "on"],
  ]);
});

test("a default route that names nothing but its gateway is the model's to give; others are the interface's", () => {
  const everywhere = parseSubnet("0.0.0.0/0");
  const gateway = parseIp("10.1.0.1");
  const plain = describe([{ ...bridged, routes: [{ destination: everywhere, gateway }] }]);
  assert.equal(plain.gatewayIpv4, gateway);
  assert.ok(!plain.objects.some(({ kind }) => kind === "route"));
  const measured = describe([{ ...bridged, routes: [{ destination: everywhere, gateway, mtu: 1400 }] }]);
  assert.equal(measured.gatewayIpv4, undefined);
  const route = measured.objects.find(({ kind }) => kind === "route");
  assert.ok(route?.kind === "route" && route.destination === "default" && route.mtu === 1400);
});

test("addresses of IPv6 are looked for by nobody and stay when the link goes down", () => {
  const { objects } = describe([{ ...bridged, addresses: [parseInterfaceAddress("fd00::2/64")] }]);
  const values = objects.flatMap((one) => (one.kind === "sysctl" ? [`${one.name}=${one.value}`] : []));
  assert.deepEqual(values, [
    "net/ipv6/conf/eth0/disable_ipv6=0",
    "net/ipv6/conf/eth0/accept_dad=0",
    "net/ipv6/conf/eth0/keep_addr_on_down=1",
  ]);
});

test("a pair between host and container has a route each way, and its subnet is behind the gateway", () => {
  const { objects, gatewaysOnLink } = describe([routed]);
  assert.equal(gatewaysOnLink, true);
  const routes = objects.flatMap((one) =>
    one.kind === "route" ? [[one.namespace, one.destination, one.link, one.gateway]] : [],
  );
  assert.deepEqual(routes, [
    ["host", "10.1.0.2/32", "veth0", undefined],
    [namespace, "10.1.0.1/32", "eth0", undefined],
    [namespace, "10.1.0.0/24", "eth0", "10.1.0.1"],
  ]);
  const address = objects.find((one) => one.kind === "address" && one.namespace === namespace);
  assert.ok(address?.kind === "address" && address.noPrefixRoute);
});

test("what a later plugin sets of the interface is said apart, with what it was", () => {
  const set: Made = {
    kind: "set",
    sysctls: [{ name: "net/ipv4/conf/eth0/log_martians", value: "1", original: "0" }],
    links: [
      { link: "eth0", setting: "mac", value: "02:00:00:00:00:77", original: mac },
      { link: "eth0", setting: "mtu", value: "1300", original: "1500" },
    ],
  };
  const objects = withSettings(describe([{ ...bridged, mtu: 1500 }, set]).objects);
  const link = linkIn(objects, "veth0");
  assert.ok(link?.kind === "link" && link.type === "veth");
  assert.deepEqual([link.mac, link.mtu], [hostEnd.mac, 1500], "the host's end is as it was");
  assert.deepEqual([link.peer.mac, link.peer.mtu], [undefined, undefined]);
  assert.ok(keys(objects).includes(`sysctl ${namespace} net/ipv4/conf/eth0/log_martians`));
});

test("ports that another network of the container has are not described", () => {
  const range = { first: 80, last: 80 };
  const port: PublishedPort = { protocol: "tcp", host: range, container: range };
  const published: Made = {
    kind: "published",
    wishes: [port],
    addresses: bridged.addresses,
    hidden: "neighbours",
    behind: "cni0",
  };
  assert.deepEqual(keys(describe([bridged, published]).objects), keys(describe([bridged]).objects));
  const { objects } = describe([bridged, published], [port]);
  assert.ok(keys(objects).includes("sysctl host net/ipv4/conf/cni0/route_localnet"));
  const sets = objects.flatMap((one) => (one.kind === "nft-element" ? [one.set] : []));
  assert.ok(sets.includes("published-anywhere4"), sets.join(", "));
});

test("source routes: a rule in front of the others, and a table with the subnet and the gateway", () => {
  const sourced: Made = {
    kind: "sourced",
    ways: [{ address: parseInterfaceAddress("10.1.0.2/24"), gateway: parseIp("10.1.0.1"), table: 100, routes: [] }],
  };
  const { objects } = describe([sourced]);
  assert.deepEqual(
    objects.map((one) =>
      one.kind === "rule" ? [one.from, one.table] : one.kind === "route" ? [one.destination, one.table] : [],
    ),
    [
      ["10.1.0.2/32", 100],
      ["10.1.0.0/24", 100],
      ["default", 100],
    ],
  );
});

test("limits: of what comes at the host's end, of what leaves at the container's", () => {
  const rate = { rate: 1000, burst: 500 };
  const { objects } = describe([{ kind: "shaped", ingress: { ...rate, hostEnd: "veth0" }, egress: rate }]);
  assert.deepEqual(
    objects.map((one) => (one.kind === "qdisc" ? [one.namespace, one.link, one.rate, one.burst] : [])),
    [
      ["host", "veth0", 1000, 500],
      [namespace, "eth0", 1000, 500],
    ],
  );
});

test("an endpoint that is no attachment, or in no sandbox, is nothing here", () => {
  const { objects } = describe([]);
  assert.deepEqual(objects, []);
});
