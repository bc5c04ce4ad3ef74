import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
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
  };
  assert.deepEqual(configOf({ options }), {
    bridge: "br-shop",
    mac: "4e:2c:90:d1:a7:b3",
    mtu: 1400,
    masquerade: false,
    interfacePrefix: "shop",
  });
});

test("options that are not understood yet are refused, not dropped", () => {
  for (const key of [
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.gateway_mode_ipv4",
    "com.docker.network.bridge.host_binding_ipv4",
    "com.docker.network.bridge.inhibit_ipv4",
    "com.docker.network.bridge.trusted_host_interfaces",
    "com.docker.network.host_ipv4",
  ]) {
    assert.throws(() => configOf({ options: { [key]: "1" } }), { code: "invalid-option", object: `option "${key}"` });
  }
});

test("an existing bridge is used as it is, with the addresses it has", () => {
  const host = {
    links: [...emptyHost.host.links, { name: "br-lan", type: "bridge", up: true, mtu: 1500 }],
    addresses: [{ link: "br-lan", address: parseIp("10.1.0.1"), subnet: parseSubnet("10.1.0.0/24") }],
    routes: [],
  };
  const options = { "com.docker.network.bridge.name": "br-lan" };
  assert.deepEqual(configOf({ options, enableIpv6: true, ipam: pools(pool4, pool6) }, { host, networks: [] }), {
    bridge: "br-lan",
    keptAddresses: ["10.1.0.1/24"],
    masquerade: true,
    interfacePrefix: "eth",
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
