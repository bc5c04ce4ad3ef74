/** What macvlan and ipvlan make of options: configuration, parents, objects, gateways, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigureContext, NetworkRequest } from "../../../src/drivers/driver.ts";
import { ipvlan } from "../../../src/drivers/ipvlan/index.ts";
import { macvlan } from "../../../src/drivers/macvlan/index.ts";
import type { NetworkRecord } from "../../../src/store/records.ts";
import { emptyHost, endpointRecord, networkId, networkRecord, pool4, pool6 } from "./records.ts";

const sandbox = "/run/portolan/netns/web";
const record = (
  driver: "macvlan" | "ipvlan",
  options: Readonly<Record<string, string>>,
  changes: Partial<NetworkRequest> = {},
  context: ConfigureContext = emptyHost,
): NetworkRecord => networkRecord({ driver, options, ...changes }, context);

/** The context in which a network is there already. */
const beside = (...networks: readonly NetworkRecord[]): ConfigureContext => ({ ...emptyHost, networks });

test("options become configuration", () => {
  assert.deepEqual(record("macvlan", { parent: "eth0" }).config, {
    parent: "eth0",
    interfacePrefix: "eth",
    announce: { messages: 3, interval: 1000 },
    mode: "bridge",
  });
  const options = {
    parent: "eth0",
    macvlan_mode: "vepa",
    "com.docker.network.driver.mtu": "1400",
    "com.docker.network.container_iface_prefix": "lan",
    "com.docker.network.enable_ipv4": "true",
    "com.docker.network.advertise_addr_nmsgs": "0",
    "com.docker.network.advertise_addr_ms": "200",
  };
  assert.deepEqual(record("macvlan", options).config, {
    parent: "eth0",
    mtu: 1400,
    interfacePrefix: "lan",
    mode: "vepa",
  });
  assert.deepEqual(record("ipvlan", { parent: "eth0", ipvlan_mode: "l3s", ipvlan_flag: "private" }).config, {
    parent: "eth0",
    interfacePrefix: "eth",
    mode: "l3s",
    flag: "private",
  });
});

test("a VLAN's sub-interface that is not there is made, once for all networks that name it", () => {
  const first = record("macvlan", { parent: "eth0.10" });
  const second = record("macvlan", { parent: "eth0.10" }, { id: "b".repeat(64), name: "second" }, beside(first));
  const [link] = macvlan.describeNetwork(first);
  assert.deepEqual(link, {
    kind: "link",
    namespace: "host",
    up: true,
    type: "vlan",
    name: "eth0.10",
    parent: "eth0",
    id: 10,
  });
  assert.deepEqual(macvlan.describeNetwork(second), macvlan.describeNetwork(first));
});

test("a parent that is there is used as it is, whatever its name looks like", () => {
  const host = {
    ...emptyHost.host,
    links: [...emptyHost.host.links, { name: "eth0.10", type: "vlan", up: true, mtu: 1500 }],
  };
  assert.deepEqual(macvlan.describeNetwork(record("macvlan", { parent: "eth0.10" }, {}, { host, networks: [] })), []);
});

test("a network without a parent stands on a pair that leads nowhere, and has no gateway", () => {
  const network = record("macvlan", {});
  const digits = networkId.slice(0, 11);
  const [link] = macvlan.describeNetwork(network);
  assert.deepEqual(link, {
    kind: "link",
    namespace: "host",
    up: true,
    type: "veth",
    name: `dm-${digits}`,
    peer: { namespace: "host", name: `dn-${digits}`, up: true },
  });
  assert.equal(macvlan.describeJoin(network, endpointRecord(), sandbox).gatewayIpv4, undefined);
});

test("an interface is born in the sandbox, on the parent, with gateways of its subnets", () => {
  const network = record(
    "macvlan",
    { parent: "eth0" },
    { enableIpv6: true, ipam: { driver: "default", options: {}, pools: [pool4, pool6] } },
  );
  const { objects, ...gateways } = macvlan.describeJoin(network, endpointRecord(), sandbox);
  assert.deepEqual(objects[0], {
    kind: "link",
    namespace: sandbox,
    type: "macvlan",
    name: "eth0",
    parent: "eth0",
    mode: "bridge",
    mac: "02:42:0a:01:00:02",
    up: true,
  });
  assert.deepEqual(gateways, { gatewayIpv4: "10.1.0.1", gatewayIpv6: "fd00:1::1" });
  const internal = record("macvlan", { parent: "eth0" }, { internal: true });
  assert.equal(macvlan.describeJoin(internal, endpointRecord(), sandbox).gatewayIpv4, undefined);
});

test("where ipvlan routes, the default route is the interface, and nobody is a gateway", () => {
  const network = record("ipvlan", { parent: "eth0", ipvlan_mode: "l3" });
  const { objects, ...ways } = ipvlan.describeJoin(network, endpointRecord(), sandbox);
  assert.deepEqual(ways, { defaultByLink: true });
  assert.equal("mac" in (objects[0] ?? {}), false, "it shares its parent's");
  assert.deepEqual(ipvlan.withoutGateway?.({ options: { ipvlan_mode: "l3" }, internal: false }), [4, 6]);
  assert.deepEqual(ipvlan.withoutGateway?.({ options: {}, internal: false }), []);
});

test("what a kernel must have follows from the options", () => {
  const required = (driver: typeof macvlan, options: Record<string, string>) =>
    driver.requires({ ...networkRecord(), options });
  assert.deepEqual(required(macvlan, { parent: "eth0" }), ["macvlan"]);
  assert.deepEqual(required(macvlan, { parent: "eth0.10" }), ["macvlan", "vlan"]);
  assert.deepEqual(required(ipvlan, {}), ["ipvlan", "veth"]);
});

for (const [what, make, expected] of [
  ["the loopback link", () => record("macvlan", { parent: "lo" }), { code: "invalid-option", advice: /loopback/ }],
  ["a parent that is not there", () => record("macvlan", { parent: "eth9" }), { advice: /LINK\.VLAN/ }],
  ["a VLAN of a link that is not there", () => record("ipvlan", { parent: "eth9.10" }), { advice: /no link eth9/ }],
  ["a VLAN's number that there is not", () => record("ipvlan", { parent: "eth0.4095" }), { advice: /LINK\.VLAN/ }],
  ["an unknown mode", () => record("ipvlan", { parent: "eth0", ipvlan_mode: "l4" }), { advice: /l2, l3, l3s/ }],
  [
    "ipvlan on a parent of macvlan",
    () => record("ipvlan", { parent: "eth0" }, {}, beside(record("macvlan", { parent: "eth0" }, { name: "other" }))),
    { code: "in-use", message: /of driver macvlan/ },
  ],
  [
    "a second ipvlan network on a parent",
    () => record("ipvlan", { parent: "eth0" }, {}, beside(record("ipvlan", { parent: "eth0" }, { name: "other" }))),
    { code: "in-use", message: /parent of network other/ },
  ],
  [
    "a MAC address in ipvlan",
    () =>
      ipvlan.readEndpoint(record("ipvlan", { parent: "eth0" }), {
        options: { "com.docker.network.endpoint.macaddress": "02:00:00:00:00:01" },
      }),
    { code: "forbidden", reason: /shares that of its parent/ },
  ],
  [
    "a sandbox on the host's own stack",
    () => macvlan.describeJoin(record("macvlan", { parent: "eth0" }), endpointRecord(), "host"),
    { code: "forbidden" },
  ],
] as const)
  test(`${what} is refused`, () => {
    assert.throws(make, expected);
  });
