import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countOf, meet, type PublishedPort, parsePort, portText } from "../../../src/address/port.ts";

const read: Readonly<Record<string, unknown>> = {
  "8080:80": { protocol: "tcp", host: { first: 8080, last: 8080 }, container: { first: 80, last: 80 } },
  "53:53/UDP": { protocol: "udp", host: { first: 53, last: 53 }, container: { first: 53, last: 53 } },
  "80": { protocol: "tcp", container: { first: 80, last: 80 } },
  "0:80": { protocol: "tcp", container: { first: 80, last: 80 } },
  ":80": { protocol: "tcp", container: { first: 80, last: 80 } },
  "8000-8010:80": { protocol: "tcp", host: { first: 8000, last: 8010 }, container: { first: 80, last: 80 } },
  "8000-8010:9000-9010/sctp": {
    protocol: "sctp",
    host: { first: 8000, last: 8010 },
    container: { first: 9000, last: 9010 },
  },
  "127.0.0.1:8080:80": {
    protocol: "tcp",
    address: "127.0.0.1",
    host: { first: 8080, last: 8080 },
    container: { first: 80, last: 80 },
  },
  "127.0.0.1::80": { protocol: "tcp", address: "127.0.0.1", container: { first: 80, last: 80 } },
  "0.0.0.0:8080:80": { protocol: "tcp", host: { first: 8080, last: 8080 }, container: { first: 80, last: 80 } },
  "[::]:8080:80": { protocol: "tcp", host: { first: 8080, last: 8080 }, container: { first: 80, last: 80 } },
  "[FD00::1]:8080:80": {
    protocol: "tcp",
    address: "fd00::1",
    host: { first: 8080, last: 8080 },
    container: { first: 80, last: 80 },
  },
  "[::1]::80/udp": { protocol: "udp", address: "::1", container: { first: 80, last: 80 } },
  "3000-3005": { protocol: "tcp", container: { first: 3000, last: 3005 } },
};

for (const [text, wish] of Object.entries(read)) {
  test(`"${text}" is read`, () => assert.deepEqual(parsePort(text), wish));
}

for (const text of [
  "",
  ":",
  "http",
  "8080:",
  "8080:80/icmp",
  "8080:80/",
  "65536:80",
  "8080:0",
  "90-80:80",
  "0-5:80",
  "8000-8010:80-81",
  "1:2:3",
  "localhost:80:80",
  "::1:80:80",
  "[::1:80:80",
  "127.0.0.1:80:80:80",
  "-1:80",
  "8080-:80",
]) {
  test(`"${text}" is refused with the form that it should have`, () => {
    assert.throws(() => parsePort(text), { code: "invalid-argument" });
  });
}

test("what is published is read back from its text", () => {
  const port = fc.integer({ min: 1, max: 60_000 });
  const published = fc
    .record({
      protocol: fc.constantFrom("tcp", "udp", "sctp"),
      address: fc.option(fc.constantFrom("10.0.0.1", "fd00::7", "127.0.0.1"), { nil: undefined }),
      host: port,
      container: port,
      more: fc.integer({ min: 0, max: 5000 }),
    })
    .map(({ protocol, address, host, container, more }) => ({
      protocol,
      ...(address !== undefined && { address }),
      host: { first: host, last: host + more },
      container: { first: container, last: container + more },
    }));
  fc.assert(
    fc.property(published, (one) => {
      // Its parts are of the forms that parsing gives.
      assert.deepEqual(parsePort(portText(one as PublishedPort)), one);
    }),
  );
});

test("ranges meet where they have a port in common", () => {
  assert.ok(meet({ first: 1, last: 5 }, { first: 5, last: 9 }));
  assert.ok(!meet({ first: 1, last: 4 }, { first: 5, last: 9 }));
  assert.equal(countOf({ first: 5, last: 9 }), 5);
});
