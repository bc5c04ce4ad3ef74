import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../../../src/address/ip.ts";
import { hostsText, resolvText } from "../../../src/naming/files.ts";
import { parseConfiguration } from "../../../src/naming/host-configuration.ts";
import { isSealed, sealed } from "../../../src/state/sealed-text.ts";

const host = parseConfiguration(`# the host's
nameserver 127.0.0.53
nameserver 192.0.2.53
nameserver fe80::1%eth0
search example.test
domain late.test corp.test
options timeout:2 ndots:3
options rotate
`);
const nothing = { nameservers: [], search: [], options: [] };

test("a resolv.conf is read: plain addresses, the last search, all options", () => {
  assert.deepEqual(host, {
    nameservers: ["127.0.0.53", "192.0.2.53"],
    search: ["late.test", "corp.test"],
    options: ["timeout:2", "ndots:3", "rotate"],
  });
});

for (const [name, asked, want] of [
  [
    "with a resolver it asks that one alone, for names as they are",
    { resolver: true, ...nothing },
    "nameserver 127.0.0.11\nsearch late.test corp.test\noptions timeout:2 rotate ndots:0\n# asks, of others: 127.0.0.53 192.0.2.53\n",
  ],
  [
    "without one it asks the host's nameservers that it can reach",
    { resolver: false, ...nothing },
    "nameserver 192.0.2.53\nsearch late.test corp.test\noptions timeout:2 ndots:3 rotate\n",
  ],
  [
    "what is asked for comes instead of the host's",
    { resolver: true, nameservers: [parseIp("192.0.2.1")], search: ["a.test"], options: ["ndots:2"] },
    "nameserver 127.0.0.11\nsearch a.test\noptions ndots:2\n# asks, of others: 192.0.2.1\n",
  ],
  [
    "a search of . is none, and a nameserver of the user's may be a loopback one",
    { resolver: false, nameservers: [parseIp("127.0.0.1")], search: ["."], options: ["debug"] },
    "nameserver 127.0.0.1\noptions debug\n",
  ],
] as const) {
  test(`resolv.conf: ${name}`, () => assert.equal(resolvText(asked, host), want));
}

test("a hosts file has IPv6's names where the sandbox has IPv6", () => {
  const content = { names: ["a"], addresses: [parseIp("10.0.0.2")], extraHosts: [] };
  assert.doesNotMatch(hostsText({ ...content, ipv6: false }), /ip6/);
  assert.match(hostsText({ ...content, ipv6: true }), /^::1\tlocalhost ip6-localhost/m);
});

test("a sealed text is known, and another one, or a changed one, is not", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (text, more) => {
      assert.ok(isSealed(sealed(text)));
      assert.ok(!isSealed(sealed(text) + more));
    }),
  );
});
