import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExposedPort } from "../../../src/address/exposed-port.ts";
import { isPortolanError } from "../../../src/errors.ts";

test("exposed ports are a port or a range, tcp where nothing else is said", () => {
  assert.deepEqual(parseExposedPort("80"), { protocol: "tcp", ports: { first: 80, last: 80 } });
  assert.deepEqual(parseExposedPort("53/UDP"), { protocol: "udp", ports: { first: 53, last: 53 } });
  assert.deepEqual(parseExposedPort("5000-5010/sctp"), { protocol: "sctp", ports: { first: 5000, last: 5010 } });
  assert.deepEqual(parseExposedPort("1-65535"), { protocol: "tcp", ports: { first: 1, last: 65_535 } });
});

for (const text of ["", "0", "65536", "10-9", "80/", "80/icmp", "80:80", "80-", "-80", " 80", "80,81", "http"]) {
  test(`"${text}" is no exposed port`, () => {
    assert.throws(() => parseExposedPort(text), { code: "invalid-argument", advice: /PORT\[-PORT\]/ });
  });
}

test("whatever text is given, an exposed port lies within the ports there are", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\d/A-Za-z-]{0,14}$/), (text) => {
      try {
        const { ports } = parseExposedPort(text);
        assert.ok(1 <= ports.first && ports.first <= ports.last && ports.last <= 65_535);
      } catch (error) {
        assert.ok(isPortolanError(error, "invalid-argument"));
      }
    }),
  );
});
