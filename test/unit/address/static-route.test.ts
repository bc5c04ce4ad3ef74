import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cidrFamily, lengthOf } from "../../../src/address/cidr.ts";
import { familyOf } from "../../../src/address/ip.ts";
import { parseRoute, routeText } from "../../../src/address/static-route.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { address, subnet } from "./arbitraries.ts";

test("a static route is a destination, by a gateway or by the link", () => {
  assert.deepEqual(parseRoute("10.9.0.0/16=10.1.0.7"), { destination: "10.9.0.0/16", gateway: "10.1.0.7" });
  assert.deepEqual(parseRoute("10.9.1.2/16"), { destination: "10.9.0.0/16" });
  assert.deepEqual(parseRoute("fd00:9::/48=FE80::7"), { destination: "fd00:9::/48", gateway: "fe80::7" });
});

for (const [text, reason] of [
  ["0.0.0.0/0=10.1.0.7", /default route/],
  ["::/0", /default route/],
  ["10.9.0.0/16=fd00::7", /different families/],
  ["10.9.0.0", /CIDR/],
  ["10.9.0.0/16=", /not an IP address/],
  ["10.9.0.0/16=10.1.0.7/24", /not an IP address/],
  ["", /CIDR/],
  ["default", /CIDR/],
] as const) {
  test(`"${text}" is no static route`, () => {
    assert.throws(() => parseRoute(text), { code: "invalid-argument", message: reason });
  });
}

test("what is read of a route and written is read as the same", () => {
  fc.assert(
    fc.property(subnet, fc.option(address), (destination, gateway) => {
      const text = `${destination}${gateway === null ? "" : `=${gateway}`}`;
      const fits = lengthOf(destination) > 0 && (gateway === null || familyOf(gateway) === cidrFamily(destination));
      if (fits) assert.deepEqual(routeText(parseRoute(text)), text);
      else
        assert.throws(
          () => parseRoute(text),
          (error) => isPortolanError(error, "invalid-argument"),
        );
    }),
  );
});
