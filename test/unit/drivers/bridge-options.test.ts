/** Options of bridge networks that are refused: malformed ones, contradictions, and what is no option at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { networkOptions } from "../../../src/drivers/bridge/options.ts";
import type { NetworkRequest } from "../../../src/drivers/driver.ts";
import { PortolanError } from "../../../src/errors.ts";
import { networkRecord, pool4, pool6 } from "./records.ts";

const configOf = (changes: Partial<NetworkRequest>): unknown => networkRecord(changes).config;
const pools = (...list: readonly (typeof pool4)[]): NetworkRequest["ipam"] => ({
  driver: "default",
  options: {},
  pools: list,
});
const bridgeKey = (name: string): string => `com.docker.network.bridge.${name}`;
const both = { enableIpv6: true, ipam: pools(pool4, pool6) } as const;

const malformed: readonly (readonly [key: string, text: string, advice: RegExp])[] = [
  [bridgeKey("enable_icc"), "no", /true or false/],
  [bridgeKey("gateway_mode_ipv4"), "nat-unprotecte", /did you mean "nat-unprotected"/],
  [bridgeKey("gateway_mode_ipv6"), "", /nat, nat-unprotected, routed, isolated/],
  [bridgeKey("host_binding_ipv4"), "::", /an address of the host/],
  [bridgeKey("host_binding_ipv4"), "localhost", /an address of the host/],
  [bridgeKey("trusted_host_interfaces"), "::", /parted by colons/],
  [bridgeKey("trusted_host_interfaces"), "a/b", /link name/],
  ["com.docker.network.host_ipv4", "fd00::1", /an IPv4 address of the host/],
  ["com.docker.network.host_ipv4", "224.0.0.1", /an IPv4 address of the host/],
  ["com.docker.network.host_ipv6", "192.0.2.1", /an IPv6 address of the host/],
];
for (const [key, text, advice] of malformed) {
  test(`option ${key} cannot be "${text}"`, () => {
    assert.throws(() => configOf({ ...both, options: { [key]: text } }), { code: "invalid-option", advice });
  });
}

const contradictions: readonly (readonly [
  what: string,
  Partial<NetworkRequest>,
  Record<string, string>,
  key: string,
])[] = [
  ["isolated, but not internal", {}, { [bridgeKey("gateway_mode_ipv4")]: "isolated" }, bridgeKey("gateway_mode_ipv4")],
  [
    "routed, but internal",
    { internal: true },
    { [bridgeKey("gateway_mode_ipv4")]: "routed" },
    bridgeKey("gateway_mode_ipv4"),
  ],
  [
    "unprotected, but internal",
    { ...both, internal: true },
    { [bridgeKey("gateway_mode_ipv6")]: "nat-unprotected" },
    bridgeKey("gateway_mode_ipv6"),
  ],
  ["a mode of IPv6 without it", {}, { [bridgeKey("gateway_mode_ipv6")]: "routed" }, bridgeKey("gateway_mode_ipv6")],
  ["a source of IPv6 without it", {}, { "com.docker.network.host_ipv6": "fd00::9" }, "com.docker.network.host_ipv6"],
  [
    "a source without masquerade",
    {},
    { "com.docker.network.host_ipv4": "192.0.2.9", [bridgeKey("enable_ip_masquerade")]: "false" },
    "com.docker.network.host_ipv4",
  ],
  [
    "a source of a routed network",
    {},
    { "com.docker.network.host_ipv4": "192.0.2.9", [bridgeKey("gateway_mode_ipv4")]: "routed" },
    "com.docker.network.host_ipv4",
  ],
  [
    "a source of an internal network",
    { internal: true },
    { "com.docker.network.host_ipv4": "192.0.2.9" },
    "com.docker.network.host_ipv4",
  ],
  [
    "trusted interfaces of an internal network",
    { internal: true },
    { [bridgeKey("trusted_host_interfaces")]: "eth0" },
    bridgeKey("trusted_host_interfaces"),
  ],
  [
    "an address to publish on in an internal network",
    { internal: true },
    { [bridgeKey("host_binding_ipv4")]: "127.0.0.1" },
    bridgeKey("host_binding_ipv4"),
  ],
  [
    "an address to publish on of a family that is routed",
    {},
    { [bridgeKey("host_binding_ipv4")]: "127.0.0.1", [bridgeKey("gateway_mode_ipv4")]: "routed" },
    bridgeKey("host_binding_ipv4"),
  ],
  [
    "an address to publish on of a family that is not there",
    {},
    { [bridgeKey("host_binding_ipv4")]: "::1" },
    bridgeKey("host_binding_ipv4"),
  ],
  [
    "no IPv4 on the bridge of a network without it",
    { enableIpv4: false, enableIpv6: true, ipam: pools(pool6) },
    { [bridgeKey("inhibit_ipv4")]: "true" },
    bridgeKey("inhibit_ipv4"),
  ],
  ["a second default bridge", {}, { [bridgeKey("default_bridge")]: "true" }, bridgeKey("default_bridge")],
  [
    "IPv6 by an option, but not by the request",
    {},
    { "com.docker.network.enable_ipv6": "true" },
    "com.docker.network.enable_ipv6",
  ],
];
for (const [what, changes, options, key] of contradictions) {
  test(`a contradiction is refused: ${what}`, () => {
    assert.throws(
      () => configOf({ ...changes, options }),
      (error) => {
        assert.ok(error instanceof PortolanError);
        assert.equal(error.code, "invalid-option");
        assert.equal(error.object, `option "${key}"`);
        assert.ok(error.reason && error.advice);
        return true;
      },
    );
  });
}

test("whatever is no option is refused, and the nearest one named", () => {
  const known = Object.keys(networkOptions);
  fc.assert(
    fc.property(fc.oneof(fc.string({ minLength: 1 }), misspelt(known)), fc.string(), (key, value) => {
      fc.pre(!known.includes(key));
      assert.throws(
        () => configOf({ options: { [key]: value } }),
        (error) => {
          assert.ok(error instanceof PortolanError);
          const [, near = ""] = /did you mean "([^"]*)"/.exec(error.advice ?? "") ?? [];
          return error.code === "invalid-option" && known.includes(near);
        },
      );
    }),
  );
});

/** One of the names with a letter changed, dropped or doubled. */
function misspelt(names: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...names), fc.nat(), fc.constantFrom("", "x", "ee"))
    .map(([name, at, letters]) => name.slice(0, at % name.length) + letters + name.slice((at % name.length) + 1));
}
