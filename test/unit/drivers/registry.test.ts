import assert from "node:assert/strict";
import { test } from "node:test";
import { driverNamed, drivers } from "../../../src/drivers/registry.ts";
import { endpointRecord, networkRecord, networkRequest } from "./records.ts";

test("the drivers are found by their names", () => {
  assert.deepEqual([...drivers.keys()], ["attachment", "bridge", "cni", "host", "ipvlan", "macvlan", "none"]);
  for (const [name, driver] of drivers) assert.equal(driverNamed(name), driver);
});

test("an unknown driver is refused, and the nearest one named", () => {
  assert.throws(() => driverNamed("brigde"), { code: "unknown-driver", advice: /did you mean "bridge"/ });
  assert.throws(() => driverNamed("constructor"), { code: "unknown-driver" });
});

for (const name of ["host", "none"]) {
  const driver = driverNamed(name);
  const plain = { driver: name, name, enableIpv4: false, ipam: { driver: "null", options: {}, pools: [] } } as const;

  test(`the ${name} driver wants nothing of the kernel`, () => {
    assert.deepEqual(driver.requires(networkRequest(plain)), []);
    assert.deepEqual(driver.describeNetwork(networkRecord(plain)), []);
    const { mac: _, ...endpoint } = endpointRecord();
    assert.deepEqual(driver.describeJoin(networkRecord(plain), endpoint, "host"), { objects: [] });
  });

  test(`the ${name} driver refuses options of networks and endpoints`, () => {
    const options = { "com.docker.network.driver.mtu": "1400" };
    assert.throws(() => networkRecord({ ...plain, options }), { code: "invalid-option" });
    const network = networkRecord(plain);
    assert.throws(() => driver.readEndpoint(network, { options }), { code: "invalid-option" });
  });
}

test("a sandbox with a stack of its own cannot join the host network", () => {
  const network = networkRecord({ driver: "host", name: "host" });
  assert.throws(() => driverNamed("host").describeJoin(network, endpointRecord(), "/run/portolan/netns/web"), {
    code: "forbidden",
    object: 'network "host"',
  });
});

test("an endpoint of the host network cannot have a MAC address", () => {
  const network = networkRecord({ driver: "host", name: "host" });
  assert.throws(() => driverNamed("host").readEndpoint(network, endpointRecord()), { code: "forbidden" });
});
