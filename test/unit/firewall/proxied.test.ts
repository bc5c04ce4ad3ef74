import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { parsePort } from "../../../src/address/port.ts";
import { describeProxied, describeProxy, proxiedPorts } from "../../../src/firewall/proxied.ts";
import { partsText } from "../../../src/state/nft/value-text.ts";
import type { NftElement } from "../../../src/state/objects.ts";

const ipv4 = parseInterfaceAddress("10.1.0.2/24");
const ipv6 = parseInterfaceAddress("fd00:1::2/64");

/** `SET KEY`, or of a map `SET KEY : DATA`. */
const text = ({ set, type, key, data }: NftElement): string =>
  `${set} ${partsText(type.key, key)}${data === undefined ? "" : ` : ${data.join(" ")}`}`;

function elements(addresses: { ipv4?: typeof ipv4; ipv6?: typeof ipv6 }, port: string): readonly string[] {
  const { host, ...wish } = parsePort(port);
  assert.ok(host);
  return describeProxied(proxiedPorts({ ...addresses, ports: [{ ...wish, host }] })).map(text);
}

const cases: readonly [
  port: string,
  both: readonly string[],
  onlyIpv4: readonly string[],
  onlyIpv6: readonly string[],
][] = [
  ["8080:80", ["proxied6 ::1 . tcp . 8080"], ["proxied-anywhere6 tcp . 8080"], ["proxied6 ::1 . tcp . 8080"]],
  ["53:53/udp", ["proxied6 ::1 . udp . 53"], ["proxied-anywhere6 udp . 53"], ["proxied6 ::1 . udp . 53"]],
  [
    "8000-8009:9000-9009",
    ["proxied-rows6 ::1 . tcp . 8000-8009"],
    ["proxied-rows6 ::/0 . tcp . 8000-8009"],
    ["proxied-rows6 ::1 . tcp . 8000-8009"],
  ],
  ["[::1]:8080:80", ["proxied6 ::1 . tcp . 8080"], ["proxied6 ::1 . tcp . 8080"], ["proxied6 ::1 . tcp . 8080"]],
  ["[2001:db8::1]:8080:80", [], ["proxied6 2001:db8::1 . tcp . 8080"], []],
  ["127.0.0.1:8080:80", [], [], []],
  ["192.0.2.1:8080:80", [], [], []],
  ["8080:80/sctp", [], [], []],
];

for (const [port, both, onlyIpv4, onlyIpv6] of cases) {
  test(`${port} is proxied where the kernel cannot lead to the sandbox`, () => {
    assert.deepEqual(elements({ ipv4, ipv6 }, port), both);
    assert.deepEqual(elements({ ipv4 }, port), onlyIpv4);
    assert.deepEqual(elements({ ipv6 }, port), onlyIpv6);
    assert.deepEqual(elements({}, port), []);
  });
}

test("where the proxy serves is said by four elements, however many ports are proxied", () => {
  assert.deepEqual(describeProxy(20_001).map(text), [
    "proxy tcp : 20001",
    "proxy-ports tcp . 20001",
    "proxy udp : 20001",
    "proxy-ports udp . 20001",
  ]);
});
