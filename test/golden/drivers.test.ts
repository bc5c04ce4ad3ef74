import { test } from "node:test";
import { parseInterfaceAddress } from "../../src/address/cidr.ts";
import { parseMac } from "../../src/address/mac.ts";
import { type PublishedPort, portText } from "../../src/address/port.ts";
import type { NetworkRequest } from "../../src/drivers/driver.ts";
import { driverNamed } from "../../src/drivers/registry.ts";
import { Ledger } from "../../src/state/ledger.ts";
import { renderPlan } from "../../src/state/render.ts";
import { emptyHost, endpointRecord, networkRecord, pool, pool4, pool6 } from "../unit/drivers/records.ts";
import { assertGolden, type Section } from "./golden.ts";

const sandbox = "/run/portolan/netns/web";
const ipam = (...pools: readonly (typeof pool4)[]): NetworkRequest["ipam"] => ({
  driver: "default",
  options: {},
  pools,
});

const port: PublishedPort = {
  protocol: "tcp",
  host: { first: 8080, last: 8080 },
  container: { first: 80, last: 80 },
};

/** What becomes of a network, of an endpoint in it, and of both again. */
function life(
  what: string,
  changes: Partial<NetworkRequest>,
  endpoint = endpointRecord(),
  host = emptyHost,
  ledger = new Ledger(),
): readonly Section[] {
  const network = networkRecord(changes, host);
  const driver = driverNamed(network.driver);
  const step = (
    heading: string,
    owner: "network:N" | "endpoint:E",
    objects: Parameters<Ledger["propose"]>[0],
  ): Section => {
    const proposal = ledger.propose(objects);
    proposal.commit();
    const lines = renderPlan(proposal.plan);
    return [
      `${heading} ${owner === "network:N" ? `network: ${what}` : `endpoint: ${what}`}`,
      lines.length > 0 ? lines : ["# nothing"],
    ];
  };
  const namespace = network.driver === "host" ? "host" : sandbox;
  const join = driver.describeJoin(network, endpoint, namespace).objects;
  return [
    step("create", "network:N", new Map([["network:N", driver.describeNetwork(network)]])),
    step("join", "endpoint:E", new Map([["endpoint:E", join]])),
    step("leave", "endpoint:E", new Map([["endpoint:E", undefined]])),
    step("delete", "network:N", new Map([["network:N", undefined]])),
  ];
}

const addresses6 = { ipv6: parseInterfaceAddress("fd00:1::2/64") };

test("the bridge driver's operations", () => {
  const { ipv4: _, ...withoutIpv4 } = endpointRecord(addresses6);
  assertGolden("bridge", [
    ...life("IPv4", {}),
    ...life("IPv4 and IPv6", { enableIpv6: true, ipam: ipam(pool4, pool6) }, endpointRecord(addresses6)),
    ...life("IPv6", { enableIpv4: false, enableIpv6: true, ipam: ipam(pool6) }, withoutIpv4),
    ...life("internal", { internal: true }),
    ...life(
      "all options",
      {
        options: {
          "com.docker.network.bridge.name": "br-shop",
          "com.docker.network.bridge.enable_ip_masquerade": "false",
          "com.docker.network.driver.mtu": "1400",
          "com.docker.network.container_iface_prefix": "shop",
        },
      },
      endpointRecord({
        mac: parseMac("02:00:00:00:00:07"),
        join: { sandboxId: "5".repeat(64), interfaceName: "shop0", gatewayPriority: 0 },
      }),
    ),
  ]);
});

test("a bridge network's gateway modes and options of isolation", () => {
  const key = (name: string): string => `com.docker.network.bridge.${name}`;
  const both = { enableIpv6: true, ipam: ipam(pool4, pool6) } as const;
  const publisher = endpointRecord({ ...addresses6, ports: [port], publish: [portText(port)] });
  const opened = ([4, 6] as const).map((family) => ({ protocol: port.protocol, family, container: port.container }));
  const { ports: _, ...opener } = { ...publisher, opened };
  const isolated = ipam(pool("10.1.0.0/24"), pool("fd00:1::/64"));
  const modes = (mode: string) => ({ options: { [key("gateway_mode_ipv4")]: mode, [key("gateway_mode_ipv6")]: mode } });
  const apart = { ...both, options: { [key("enable_icc")]: "false" } };
  const filtered = { ...emptyHost, host: { ...emptyHost.host, filteredBridging: [4, 6] as const } };
  /** The same where another network has brought the table and made a router of the host. */
  const beside = (what: string, changes: Partial<NetworkRequest>, endpoint = publisher, host = emptyHost) => {
    const ledger = new Ledger();
    const other = networkRecord({
      id: "c".repeat(64),
      name: "other",
      ...both,
      ipam: ipam(pool("10.2.0.0/24"), pool("fd00:2::/64")),
    });
    ledger.propose(new Map([["network:O", driverNamed("bridge").describeNetwork(other)]])).commit();
    return life(what, changes, endpoint, host, ledger);
  };
  assertGolden("bridge-modes", [
    ...beside("nat", both),
    ...beside("nat-unprotected", { ...both, ...modes("nat-unprotected") }),
    ...beside("routed", { ...both, ...modes("routed") }, opener),
    ...beside(
      "isolated",
      { ...both, internal: true, ipam: isolated, ...modes("isolated") },
      endpointRecord(addresses6),
    ),
    ...beside("enable_icc=false, kept by the bridge's ports", apart),
    ...beside("enable_icc=false, kept by the firewall", apart, publisher, filtered),
    ...beside("trusted interfaces, a chosen source, no IPv4 on the bridge", {
      ...both,
      options: {
        [key("trusted_host_interfaces")]: "wg0:eth1",
        [key("inhibit_ipv4")]: "true",
        "com.docker.network.host_ipv4": "192.0.2.9",
        "com.docker.network.host_ipv6": "2001:db8::9",
      },
    }),
  ]);
});

test("a second bridge network adds to the first one's firewall and forwarding", () => {
  const ledger = new Ledger();
  const { describeNetwork } = driverNamed("bridge");
  const first = networkRecord();
  const second = networkRecord({ id: "c".repeat(64), name: "second", ipam: ipam(pool("10.2.0.0/24", "10.2.0.1/24")) });
  ledger.propose(new Map([["network:1", describeNetwork(first)]])).commit();
  const coming = ledger.propose(new Map([["network:2", describeNetwork(second)]]));
  coming.commit();
  const going = ledger.propose(new Map([["network:2", undefined]]));
  assertGolden("bridge-second", [
    ["create a second network", renderPlan(coming.plan)],
    ["delete the second network", renderPlan(going.plan)],
  ]);
});

test("an existing bridge is used and left", () => {
  const context = {
    ...emptyHost,
    host: { ...emptyHost.host, links: [{ name: "br-lan", type: "bridge", up: true, mtu: 1500 }] },
  };
  const network = networkRecord({ options: { "com.docker.network.bridge.name": "br-lan" } }, context);
  const ledger = new Ledger();
  const coming = ledger.propose(new Map([["network:N", driverNamed("bridge").describeNetwork(network)]]));
  coming.commit();
  assertGolden("bridge-existing", [
    ["create a network on an existing bridge", renderPlan(coming.plan)],
    ["delete it", renderPlan(ledger.propose(new Map([["network:N", undefined]])).plan)],
  ]);
});

for (const name of ["host", "none"]) {
  test(`the ${name} driver's operations`, () => {
    const { mac: _, ipv4: __, ...plain } = endpointRecord();
    assertGolden(name, life(name, { driver: name, name, enableIpv4: false, ipam: ipam() }, plain));
  });
}
