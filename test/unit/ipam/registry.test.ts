import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { createIpamDrivers } from "../../../src/ipam/registry.ts";

const drivers = createIpamDrivers({ globalId: new Uint8Array(5) });

test("the IPAM drivers are found by their names", () => {
  assert.deepEqual([...drivers.keys()], ["default", "null"]);
  for (const [name, driver] of drivers) assert.equal(driver.name, name);
});

test("the null driver gives no pools and no addresses, and takes anything back", async () => {
  const driver = drivers.get("null");
  assert.ok(driver !== undefined);
  assert.equal(await driver.requestPool({ family: 4, options: {}, taken: [] }), undefined);
  const subnet = parseSubnet("10.1.0.0/24");
  await assert.rejects(driver.requestPool({ family: 4, subnet, options: {}, taken: [] }), { code: "invalid-argument" });
  await assert.rejects(driver.requestAddress("", { purpose: "endpoint", options: {} }), { code: "pool-exhausted" });
  await driver.releaseAddress("", parseIp("10.1.0.1"));
  await driver.releasePool("");
  driver.restore([]);
});
