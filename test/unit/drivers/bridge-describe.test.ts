import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { bridge } from "../../../src/drivers/bridge/index.ts";
import type { ConfigureContext, NetworkRequest } from "../../../src/drivers/driver.ts";
import type { KernelObject } from "../../../src/state/objects.ts";
import { emptyHost, endpointRecord, networkRecord, pool, pool4, pool6 } from "./records.ts";

const sandbox = "/run/portolan/netns/web";
const both = { enableIpv6: true, ipam: { driver: "default", options: {}, pools: [pool4, pool6] } } as const;
const six = { enableIpv4: false, enableIpv6: true, ipam: { driver: "default", options: {}, pools: [pool6] } } as const;

/** One line an object, without the firewall, which has tests of its own. */
function lines(objects: readonly KernelObject[]): readonly string[] {
  return objects.flatMap((object) => {
    switch (object.kind) {
      case "link":
        return [
          `link ${object.name} ${object.type}${object.master ? ` master ${object.master}` : ""}${object.mtu ? ` mtu ${object.mtu}` : ""}`,
        ];
      case "address":
        return [`address ${object.address} on ${object.link}${object.noDuplicateDetection ? " nodad" : ""}`];
      case "sysctl":
        return [`${object.name} = ${object.value}`];
      default:
        return [];
    }
  });
}

const network = (changes: Partial<NetworkRequest> = {}, context?: ConfigureContext): readonly string[] =>
  lines(bridge.describeNetwork(networkRecord(changes, context)));

test("an IPv4 network is a bridge with the gateway address, without IPv6", () => {
  assert.deepEqual(network(), [
    "link br-4f2c90d1a7b3 bridge",
    "net/ipv6/conf/br-4f2c90d1a7b3/disable_ipv6 = 1",
    "address 10.1.0.1/24 on br-4f2c90d1a7b3",
    "net/ipv4/conf/br-4f2c90d1a7b3/route_localnet = 1",
    "net/ipv4/ip_forward = 1",
  ]);
});

test("a network of both families forwards both", () => {
  assert.deepEqual(network(both), [
    "link br-4f2c90d1a7b3 bridge",
    "net/ipv6/conf/br-4f2c90d1a7b3/accept_ra = 0",
    "address fe80::1/64 on br-4f2c90d1a7b3 nodad",
    "address 10.1.0.1/24 on br-4f2c90d1a7b3",
    "address fd00:1::1/64 on br-4f2c90d1a7b3 nodad",
    "net/ipv4/conf/br-4f2c90d1a7b3/route_localnet = 1",
    "net/ipv4/ip_forward = 1",
    "net/ipv6/conf/all/forwarding = 1",
  ]);
});

test("an IPv6 network leaves IPv4 alone", () => {
  assert.deepEqual(network(six), [
    "link br-4f2c90d1a7b3 bridge",
    "net/ipv6/conf/br-4f2c90d1a7b3/accept_ra = 0",
    "address fe80::1/64 on br-4f2c90d1a7b3 nodad",
    "address fd00:1::1/64 on br-4f2c90d1a7b3 nodad",
    "net/ipv6/conf/all/forwarding = 1",
  ]);
});

test("an internal network makes no router of the host", () => {
  assert.deepEqual(
    network({ ...both, internal: true }).filter((line) => line.includes("forward")),
    [],
  );
});

test("of an existing bridge only the addresses that it lacks are ours", () => {
  const host = {
    links: [{ name: "br-lan", type: "bridge", up: true, mtu: 1500 }],
    addresses: [{ link: "br-lan", address: parseIp("10.1.0.1"), subnet: parseSubnet("10.1.0.0/24") }],
    routes: [],
    defaults: [],
    filteredBridging: [],
  };
  const options = { "com.docker.network.bridge.name": "br-lan" };
  assert.deepEqual(network({ ...both, options }, { ...emptyHost, host }), [
    "address fd00:1::1/64 on br-lan nodad",
    "net/ipv4/conf/br-lan/route_localnet = 1",
    "net/ipv4/ip_forward = 1",
    "net/ipv6/conf/all/forwarding = 1",
  ]);
});

const bridgeKey = (name: string): string => `com.docker.network.bridge.${name}`;

test("an isolated family has no gateway, and IPv6 none on the bridge; what is internal and not isolated has one", () => {
  const pools = [pool("10.1.0.0/24"), pool6];
  const options = { [bridgeKey("gateway_mode_ipv4")]: "isolated" };
  assert.deepEqual(network({ ...both, internal: true, options, ipam: { ...both.ipam, pools } }), [
    "link br-4f2c90d1a7b3 bridge",
    "net/ipv6/conf/br-4f2c90d1a7b3/accept_ra = 0",
    "address fe80::1/64 on br-4f2c90d1a7b3 nodad",
    "address fd00:1::1/64 on br-4f2c90d1a7b3 nodad",
  ]);
  const isolated = { ...options, [bridgeKey("gateway_mode_ipv6")]: "isolated" };
  const bare = [pool("10.1.0.0/24"), pool("fd00:1::/64")];
  assert.deepEqual(network({ ...both, internal: true, options: isolated, ipam: { ...both.ipam, pools: bare } }), [
    "link br-4f2c90d1a7b3 bridge",
    "net/ipv6/conf/br-4f2c90d1a7b3/disable_ipv6 = 1",
  ]);
});

test("with inhibit_ipv4 the bridge has its other addresses, and the gateway is offered all the same", () => {
  const changes = { ...both, options: { [bridgeKey("inhibit_ipv4")]: "true" } };
  assert.ok(network(changes).includes("address fd00:1::1/64 on br-4f2c90d1a7b3 nodad"));
  assert.ok(!network(changes).some((line) => line.includes("10.1.0.1")));
  const { gatewayIpv4 } = bridge.describeJoin(networkRecord(changes), endpointRecord(), sandbox);
  assert.equal(gatewayIpv4, "10.1.0.1");
});

test("where sandboxes are kept apart the ports of those that publish are isolated unless the firewall sees to it, all others are", () => {
  const ports = [{ protocol: "tcp", host: { first: 80, last: 80 }, container: { first: 80, last: 80 } }] as const;
  const portOf = (filteredBridging: readonly (4 | 6)[], publishes: boolean, apart = true): unknown => {
    const options = { [bridgeKey("enable_icc")]: String(!apart) };
    const record = networkRecord({ options }, { ...emptyHost, host: { ...emptyHost.host, filteredBridging } });
    const [link] = bridge
      .describeJoin(record, endpointRecord(publishes ? { ports } : {}), sandbox)
      .objects.filter((object) => object.kind === "link");
    return link?.type === "veth" && link.port;
  };
  assert.deepEqual(portOf([], false), { isolated: true });
  assert.deepEqual(portOf([4, 6], false), { isolated: true });
  assert.deepEqual(portOf([], true), { hairpin: true, isolated: true });
  assert.deepEqual(portOf([4, 6], true), { hairpin: true, isolated: false });
  assert.deepEqual(portOf([4, 6], true, false), { hairpin: true });
  assert.equal(portOf([], false, false), undefined);
});

test("a routed family has ports opened, and none of the host's; what is published by trusted interfaces is opened too", () => {
  const ports = [{ protocol: "tcp", host: { first: 8080, last: 8080 }, container: { first: 80, last: 80 } }] as const;
  const opened = [{ protocol: "tcp", family: 6, container: { first: 80, last: 80 } }] as const;
  const endpoint = endpointRecord({ ipv6: parseInterfaceAddress("fd00:1::2/64"), ports, opened });
  const elements = (options: Record<string, string>): readonly string[] =>
    bridge
      .describeJoin(networkRecord({ ...both, options }), endpoint, sandbox)
      .objects.flatMap((object) => (object.kind === "nft-element" ? [`${object.set} ${object.key.join(" ")}`] : []))
      .filter((line) => /^(published|opened)/.test(line));
  assert.deepEqual(elements({ [bridgeKey("gateway_mode_ipv6")]: "routed" }), [
    "published-anywhere4 tcp 8080",
    "opened6 fd00:1::2 tcp 80",
  ]);
  assert.deepEqual(elements({ [bridgeKey("trusted_host_interfaces")]: "eth1" }), [
    "published-anywhere4 tcp 8080",
    "published-anywhere6 tcp 8080",
    "opened4 10.1.0.2 tcp 80",
    "opened6 fd00:1::2 tcp 80",
  ]);
});

test("an auxiliary address of libnetwork's name is the gateway", () => {
  const other = { ...pool4, auxAddresses: { DefaultGatewayIPv4: parseIp("10.1.0.254") } };
  const record = networkRecord({ ipam: { ...both.ipam, pools: [other] } });
  assert.equal(bridge.describeJoin(record, endpointRecord(), sandbox).gatewayIpv4, "10.1.0.254");
});

test("an endpoint is a veth pair born in the sandbox with its name, MAC and MTU", () => {
  const record = networkRecord({ options: { "com.docker.network.driver.mtu": "1400" } });
  const [link, ...rest] = bridge.describeJoin(record, endpointRecord(), sandbox).objects;
  assert.deepEqual(link, {
    kind: "link",
    namespace: "host",
    type: "veth",
    name: "veth9a8b7c6d5e4",
    mtu: 1400,
    up: true,
    master: "br-4f2c90d1a7b3",
    addressGeneration: "none",
    peer: {
      namespace: sandbox,
      name: "eth0",
      mac: "02:42:0a:01:00:02",
      mtu: 1400,
      up: true,
      addressGeneration: "none",
    },
  });
  assert.deepEqual(rest, [
    { kind: "sysctl", namespace: sandbox, name: "net/ipv6/conf/eth0/disable_ipv6", value: "1" },
    {
      kind: "address",
      namespace: sandbox,
      link: "eth0",
      address: "10.1.0.2/24",
      announce: { messages: 3, interval: 1000 },
    },
  ]);
});

test("an endpoint with IPv6 has its address at once, and the kernel's own link-local one", () => {
  const endpoint = endpointRecord({ ipv6: parseInterfaceAddress("fd00:1::2/64") });
  const { objects } = bridge.describeJoin(networkRecord(both), endpoint, sandbox);
  assert.deepEqual(lines(objects), [
    "link veth9a8b7c6d5e4 veth master br-4f2c90d1a7b3",
    "net/ipv6/conf/eth0/disable_ipv6 = 0",
    "net/ipv6/conf/eth0/accept_ra = 0",
    "net/ipv6/conf/eth0/autoconf = 0",
    "net/ipv6/conf/eth0/accept_dad = 0",
    "address 10.1.0.2/24 on eth0",
    "address fd00:1::2/64 on eth0 nodad",
  ]);
  const [link] = objects;
  assert.equal(link?.kind === "link" && link.type === "veth" && link.peer.addressGeneration, undefined);
});

test("a network offers its gateways, an internal one none", () => {
  const gateways = (changes: Partial<NetworkRequest>): unknown => {
    const { objects: _, ...rest } = bridge.describeJoin(networkRecord(changes), endpointRecord(), sandbox);
    return rest;
  };
  assert.deepEqual(gateways(both), { gatewayIpv4: "10.1.0.1", gatewayIpv6: "fd00:1::1" });
  assert.deepEqual(gateways(six), { gatewayIpv6: "fd00:1::1" });
  assert.deepEqual(gateways({ ipam: { driver: "default", options: {}, pools: [pool("10.1.0.0/24")] } }), {});
  assert.deepEqual(gateways({ ...both, internal: true }), {});
});

test("a sandbox on the host's stack joins no bridge network", () => {
  assert.throws(() => bridge.describeJoin(networkRecord(), endpointRecord(), "host"), { code: "forbidden" });
});

test("endpoint options are checked before addresses are given", () => {
  const ifname = "com.docker.network.endpoint.ifname";
  bridge.readEndpoint(networkRecord(), { options: { [ifname]: "shop0" } });
  assert.throws(() => bridge.readEndpoint(networkRecord(), { options: { [ifname]: "a/b" } }), {
    code: "invalid-option",
  });
  assert.throws(() => bridge.readEndpoint(networkRecord(), { options: { "com.docker.network.endpoint.ifnam": "a" } }), {
    code: "invalid-option",
    advice: /did you mean "com\.docker\.network\.endpoint\.ifname"/,
  });
});

test("what a network needs of the kernel is named", () => {
  assert.ok(!bridge.requires(networkRecord()).includes("ipv6"));
  assert.ok(bridge.requires(networkRecord(both)).includes("ipv6"));
});

test("the same record gives the same objects", () => {
  assert.deepEqual(bridge.describeNetwork(networkRecord(both)), bridge.describeNetwork(networkRecord(both)));
});
