/** Records as the model makes them, for tests of drivers. */
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseMac } from "../../../src/address/mac.ts";
import type { ConfigureContext, NetworkRequest } from "../../../src/drivers/driver.ts";
import { driverNamed } from "../../../src/drivers/registry.ts";
import type { EndpointRecord, NetworkPool, NetworkRecord } from "../../../src/store/records.ts";

export const networkId = "4f2c90d1a7b3".padEnd(64, "0");
export const endpointId = "9a8b7c6d5e4f".padEnd(64, "1");

/** A pool with the first address as gateway. */
export function pool(subnet: string, gateway?: string): NetworkPool {
  return {
    poolId: subnet,
    subnet: parseSubnet(subnet),
    ...(gateway !== undefined && { gateway: parseInterfaceAddress(gateway) }),
    auxAddresses: {},
    chosenByUser: true,
  };
}

export const pool4 = pool("10.1.0.0/24", "10.1.0.1/24");
export const pool6 = pool("fd00:1::/64", "fd00:1::1/64");

/** A request for an IPv4 bridge network, with changes. */
export function networkRequest(changes: Partial<NetworkRequest> = {}): NetworkRequest {
  return {
    id: networkId,
    name: "front",
    driver: "bridge",
    scope: "local",
    internal: false,
    attachable: false,
    ingress: false,
    configOnly: false,
    enableIpv4: true,
    enableIpv6: false,
    ipam: { driver: "default", options: {}, pools: [pool4] },
    options: {},
    labels: {},
    ...changes,
  };
}

/** A host with loopback and one Ethernet link, without networks. */
export const emptyHost: ConfigureContext = {
  host: {
    links: [
      { name: "lo", type: "", up: true, mtu: 65536 },
      { name: "eth0", type: "", up: true, mtu: 1500 },
    ],
    addresses: [],
    routes: [],
    defaults: [],
    filteredBridging: [],
  },
  networks: [],
};

/** The record of a network that its driver has configured. */
export function networkRecord(
  changes: Partial<NetworkRequest> = {},
  context: ConfigureContext = emptyHost,
): NetworkRecord {
  const request = networkRequest(changes);
  const config = driverNamed(request.driver).configure(request, context);
  return { ...request, created: "2026-01-01T00:00:00.000000000Z", config };
}

/** The record of an endpoint that has joined a sandbox as eth0, with changes. */
export function endpointRecord(changes: Partial<EndpointRecord> = {}): EndpointRecord {
  return {
    id: endpointId,
    name: "web",
    networkId,
    created: "2026-01-01T00:00:00.000000000Z",
    mac: parseMac("02:42:0a:01:00:02"),
    ipv4: parseInterfaceAddress("10.1.0.2/24"),
    aliases: [],
    options: {},
    labels: {},
    join: { sandboxId: "5".repeat(64), interfaceName: "eth0", gatewayPriority: 0 },
    ...changes,
  };
}
