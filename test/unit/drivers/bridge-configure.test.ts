import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { refresh, withoutGateway } from "../../../src/drivers/bridge/configure.ts";
import type { ConfigureContext, NetworkRequest } from "../../../src/drivers/driver.ts";
import { emptyHost, networkId, networkRecord, pool, pool4, pool6 } from "./records.ts";

const otherId = "b".repeat(64);
const configOf = (changes: Partial<NetworkRequest>, context: ConfigureContext = emptyHost): unknown =>
  networkRecord(changes, context).config;
const pools = (...list: readonly (typeof pool4)[]): NetworkRequest["ipam"] => ({
  driver: "default",
  options: {},
  pools: list,
});

test("a bridge is named and addressed by the network's id", () => {
  assert.deepEqual(configOf({}), {
    bridge: `br-${networkId.slice(0, 12)}`,
    mac: "4e:2c:90:d1:a7:b3",
    masquerade: true,
    interfacePrefix: "eth",
    announce: { messages: 3, interval: 1000 },
  });
});

test("the predefined network's bridge is portolan0, and nobody else's may be", () => {
  assert.equal((configOf({ name: "bridge" }) as { bridge: string }).bridge, "portolan0");
  assert.throws(() => configOf({ options: { "com.docker.network.bridge.name": "portolan0" } }), {
    code: "in-use",
    message: /belongs to network "bridge"/,
  });
});

test("options become configuration", () => {
  const options = {
    "com.docker.network.bridge.name": "br-shop",
    "com.docker.network.bridge.enable_ip_masquerade": "false",
    "com.docker.network.driver.mtu": "1400",
    "com.docker.network.container_iface_prefix": "shop",
    "com.docker.network.advertise_addr_nmsgs": "2",
    "com.docker.network.advertise_addr_ms": "100",
    "portolan.duplicate_address_detection": "true",
  };
  assert.deepEqual(configOf({ options }), {
    bridge: "br-shop",
    mac: "4e:2c:90:d1:a7:b3",
    mtu: 1400,
    masquerade: false,
    interfacePrefix: "shop",
    announce: { messages: 2, interval: 100 },
    detectDuplicates: true,
  });
});

const bridgeKey = (name: string): string => `com.docker.network.bridge.${name}`;
const both = { enableIpv6: true, ipam: pools(pool4, pool6) } as const;

test("options of reach become configuration, those at their default leave nothing", () => {
  const options = {
    [bridgeKey("gateway_mode_ipv4")]: "nat-unprotected",
    [bridgeKey("gateway_mode_ipv6")]: "routed",
    [bridgeKey("host_binding_ipv4")]: "127.0.0.1",
    [bridgeKey("inhibit_ipv4")]: "1",
    [bridgeKey("trusted_host_interfaces")]: "wg0:eth1:wg0",
    "com.docker.network.host_ipv4": "192.0.2.9",
    "com.docker.network.enable_ipv6": "true",
  };
  const {
    bridge: _,
    mac: __,
    masquerade: ___,
    interfacePrefix: ____,
    announce: _____,
    ...rest
  } = configOf({ ...both, options }) as Record<string, unknown>;
  assert.deepEqual(rest, {
    mode4: "nat-unprotected",
    mode6: "routed",
    source4: "192.0.2.9",
    trusted: ["wg0", "eth1"],
    publishAddress: "127.0.0.1",
    inhibitIpv4: true,
  });
  const standard = {
    [bridgeKey("default_bridge")]: "false",
    [bridgeKey("enable_icc")]: "true",
    [bridgeKey("gateway_mode_ipv4")]: "nat",
    [bridgeKey("host_binding_ipv4")]: "0.0.0.0",
    [bridgeKey("inhibit_ipv4")]: "false",
    "com.docker.network.enable_ipv4": "true",
  };
  assert.deepEqual(configOf({ options: standard }), configOf({}));
});

test("sandboxes are kept apart by the firewall where it sees what passes between the bridge's ports, else by the ports", () => {
  const options = { [bridgeKey("enable_icc")]: "false" };
  const apart = (existing: boolean, ...filteredBridging: readonly (4 | 6)[]): unknown => {
    const links = [{ name: "br-lan", type: "bridge", up: true, mtu: 1500 }];
    const host = { ...emptyHost.host, links, filteredBridging };
    const own = existing ? { ...options, [bridgeKey("name")]: "br-lan" } : options;
    return (configOf({ options: own }, { host, networks: [] }) as { apart: unknown }).apart;
  };
  assert.equal(apart(false), "ports");
  assert.equal(apart(false, 4), "firewall");
  assert.equal(apart(false, 4, 6), "firewall");
  assert.equal(apart(true, 4), "ports", "a bridge of somebody else's is not told to show IPv6 too");
  assert.equal(apart(true, 4, 6), "firewall");
});

test("who keeps sandboxes apart is decided again when the host has changed", () => {
  const record = networkRecord({ options: { [bridgeKey("enable_icc")]: "false" } });
  assert.equal(refresh(record, emptyHost.host), undefined);
  assert.equal(refresh(record, { ...emptyHost.host, filteredBridging: [4, 6] })?.config.apart, "firewall");
  assert.equal(refresh(networkRecord(), { ...emptyHost.host, filteredBridging: [4, 6] }), undefined);
});

test("the host has no gateway address where the network is isolated, or internal and its bridge without IPv4", () => {
  const gatewayless = (internal: boolean, options: Record<string, string>): unknown =>
    withoutGateway({ internal, options });
  assert.deepEqual(gatewayless(false, {}), []);
  assert.deepEqual(gatewayless(true, { [bridgeKey("gateway_mode_ipv6")]: "isolated" }), [6]);
  assert.deepEqual(gatewayless(true, { [bridgeKey("inhibit_ipv4")]: "true" }), [4]);
  assert.deepEqual(gatewayless(false, { [bridgeKey("inhibit_ipv4")]: "true" }), []);
});

test("addresses are announced at most three times, 100 ms to 2 s apart, or not at all", () => {
  const prefix = "com.docker.network.advertise_addr";
  assert.equal(Object.hasOwn(configOf({ options: { [`${prefix}_nmsgs`]: "0" } }) as object, "announce"), false);
  for (const [key, text] of [
    ["nmsgs", "4"],
    ["nmsgs", "-1"],
    ["nmsgs", ""],
    ["ms", "99"],
    ["ms", "2001"],
    ["ms", "1e3"],
  ] as const) {
    assert.throws(() => configOf({ options: { [`${prefix}_${key}`]: text } }), {
      code: "invalid-option",
      advice: /whole number from/,
    });
  }
});

test("an existing bridge is used as it is, with the addresses it has", () => {
  const host = {
    links: [...emptyHost.host.links, { name: "br-lan", type: "bridge", up: true, mtu: 1500 }],
    addresses: [{ link: "br-lan", address: parseIp("10.1.0.1"), subnet: parseSubnet("10.1.0.0/24") }],
    routes: [],
    defaults: [],
    filteredBridging: [],
  };
  const options = { "com.docker.network.bridge.name": "br-lan" };
  assert.deepEqual(configOf({ options, enableIpv6: true, ipam: pools(pool4, pool6) }, { host, networks: [] }), {
    bridge: "br-lan",
    keptAddresses: ["10.1.0.1/24"],
    masquerade: true,
    interfacePrefix: "eth",
    announce: { messages: 3, interval: 1000 },
  });
});

test("a link that is no bridge is not used", () => {
  assert.throws(() => configOf({ options: { "com.docker.network.bridge.name": "eth0" } }), {
    code: "invalid-option",
    object: "link eth0 in the host",
  });
});

test("two networks cannot have one bridge", () => {
  const options = { "com.docker.network.bridge.name": "br-shop" };
  const other = networkRecord({ id: otherId, name: "other", options, ipam: pools(pool("10.2.0.0/24")) });
  assert.throws(() => configOf({ options }, { ...emptyHost, networks: [other] }), {
    code: "in-use",
    message: /belongs to network "other"/,
    object: 'network "front"',
  });
});

test("networks on bridges cannot overlap, those of other drivers and mere configurations may", () => {
  const other = networkRecord({ id: otherId, name: "other", ipam: pools(pool("10.1.0.0/16")) });
  assert.throws(() => configOf({}, { ...emptyHost, networks: [other] }), {
    code: "pool-overlap",
    message: '10.1.0.0/24 overlaps the subnet of network "other"',
  });
  const harmless = [
    { ...other, configOnly: true },
    { ...other, driver: "overlay" },
  ];
  assert.ok(configOf({}, { ...emptyHost, networks: harmless }));
});

const refused: readonly (readonly [string, Partial<NetworkRequest>, RegExp])[] = [
  ["no address family", { enableIpv4: false }, /needs IPv4 or IPv6/],
  [
    "two IPv4 subnets",
    { ipam: pools(pool4, pool("10.2.0.0/24")) },
    /one IPv4 subnet, not 10\.1\.0\.0\/24 and 10\.2\.0\.0\/24/,
  ],
  ["two IPv6 subnets", { enableIpv6: true, ipam: pools(pool4, pool6, pool("fd00:2::/64")) }, /one IPv6 subnet/],
  ["no pools at all", { ipam: pools() }, /needs an IPv4 subnet/],
  ["IPv6 without a subnet", { enableIpv6: true }, /needs an IPv6 subnet/],
  ["an IPv6 subnet without IPv6", { ipam: pools(pool4, pool6) }, /IPv6 is not enabled/],
  ["multicast", { enableIpv6: true, ipam: pools(pool4, pool("ff05::/64")) }, /ff05::\/64 cannot be/],
  ["the link-local subnet", { enableIpv6: true, ipam: pools(pool4, pool("fe80::/64")) }, /fe80::\/64 cannot be/],
];
for (const [name, changes, message] of refused) {
  test(`a bridge network with ${name} is refused`, () => {
    assert.throws(() => configOf(changes), { code: "invalid-argument", message, object: 'network "front"' });
  });
}

test("an internal network is not masqueraded", () => {
  assert.equal((configOf({ internal: true }) as { masquerade: boolean }).masquerade, false);
});
