import { test } from "node:test";
import { parseInterfaceAddress } from "../../src/address/cidr.ts";
import { parseMac } from "../../src/address/mac.ts";
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

/** What becomes of a network, of an endpoint in it, and of both again. */
function life(what: string, changes: Partial<NetworkRequest>, endpoint = endpointRecord()): readonly Section[] {
  const ledger = new Ledger();
  const network = networkRecord(changes);
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
