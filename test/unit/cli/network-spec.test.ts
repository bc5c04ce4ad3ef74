import assert from "node:assert/strict";
import { test } from "node:test";
import { type NetworkFlags, networkSpec } from "../../../src/cli/network-spec.ts";

const plain: NetworkFlags = {
  name: "front",
  driver: undefined,
  subnets: [],
  gateways: [],
  ipRanges: [],
  auxAddresses: {},
  options: {},
  labels: {},
  internal: false,
  ipv6: false,
  noIpv4: false,
  attachable: false,
  configOnly: false,
  configFrom: undefined,
  ipamDriver: undefined,
  ipamOptions: {},
};

test("a name alone asks for nothing else", () => {
  assert.deepEqual(networkSpec(plain), { name: "front", ipam: { options: {}, pools: [] }, options: {}, labels: {} });
});

test("gateway, range and auxiliary addresses find the subnet that they lie in", () => {
  const spec = networkSpec({
    ...plain,
    subnets: ["10.1.0.0/24", "fd00:1::/64"],
    gateways: ["fd00:1::1", "10.1.0.254"],
    ipRanges: ["10.1.0.128/25"],
    auxAddresses: { router: "10.1.0.9", host: "fd00:1::9" },
  });
  assert.equal(spec.enableIpv6, true);
  assert.deepEqual(spec.ipam?.pools, [
    {
      subnet: "10.1.0.0/24",
      ipRange: "10.1.0.128/25",
      gateway: "10.1.0.254",
      auxAddresses: { router: "10.1.0.9" },
    },
    { subnet: "fd00:1::/64", gateway: "fd00:1::1", auxAddresses: { host: "fd00:1::9" } },
  ]);
});

const refusals: readonly (readonly [what: string, flags: Partial<NetworkFlags>, message: RegExp])[] = [
  ["a gateway without a subnet", { gateways: ["10.1.0.1"] }, /--gateway 10\.1\.0\.1 lies in no --subnet/],
  ["a gateway of another subnet", { subnets: ["10.1.0.0/24"], gateways: ["10.2.0.1"] }, /lies in no --subnet/],
  ["a range of another subnet", { subnets: ["10.1.0.0/24"], ipRanges: ["10.2.0.0/25"] }, /lies in no --subnet/],
  ["two gateways of a subnet", { subnets: ["10.1.0.0/24"], gateways: ["10.1.0.1", "10.1.0.2"] }, /takes one --gateway/],
  ["subnets that overlap", { subnets: ["10.1.0.0/24", "10.1.0.0/16"] }, /10\.1\.0\.0\/24 and 10\.1\.0\.0\/16 overlap/],
  ["a subnet that is none", { subnets: ["10.1.0.0"] }, /10\.1\.0\.0/],
];

for (const [what, flags, message] of refusals) {
  test(`${what} is refused before anything is asked of the engine`, () => {
    assert.throws(() => networkSpec({ ...plain, ...flags }), { code: "invalid-argument", message });
  });
}

test("what is given is asked for", () => {
  const spec = networkSpec({
    ...plain,
    driver: "bridge",
    internal: true,
    ipv6: true,
    noIpv4: true,
    attachable: true,
    configOnly: true,
    configFrom: "base",
    ipamDriver: "null",
    ipamOptions: { a: "1" },
    options: { "com.docker.network.bridge.name": "br0" },
    labels: { tier: "web" },
  });
  assert.deepEqual(spec, {
    name: "front",
    driver: "bridge",
    internal: true,
    attachable: true,
    enableIpv4: false,
    enableIpv6: true,
    ipam: { driver: "null", options: { a: "1" }, pools: [] },
    options: { "com.docker.network.bridge.name": "br0" },
    labels: { tier: "web" },
    configOnly: true,
    configFrom: "base",
  });
});
