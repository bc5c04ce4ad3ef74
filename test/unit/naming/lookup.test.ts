/** Who is found under which name, from where. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ipToBytes, parseIp } from "../../../src/address/ip.ts";
import { find, type View } from "../../../src/naming/lookup.ts";
import { Records } from "../../../src/naming/records.ts";
import { recordType } from "../../../src/naming/wire/constants.ts";
import { encodeName, keptName } from "../../../src/naming/wire/name.ts";

const packed = (address: string): string => Buffer.from(ipToBytes(parseIp(address))).toString("latin1");

const records = new Records();
const add = (id: string, networkName: string, names: readonly string[], ...addresses: readonly string[]): void => {
  records.set({ id, networkId: `id of ${networkName}`, networkName, names, addresses: addresses.map(packed) });
};
add("1", "front", ["web1", "web"], "10.0.0.2", "fd00::2");
add("2", "front", ["web2", "web"], "10.0.0.3");
add("3", "back", ["db"], "10.1.0.2");
add("4", "back", ["web"], "10.1.0.9", "fd01::9");
add("5", "six", ["six"], "fd02::5");
add("6", "a.b", ["x.y"], "10.3.0.2");
add("7", "a.b", ["MiXed"], "10.3.0.3");
add("8", "long", ["z".repeat(64), "short"], "10.4.0.2");
add("9", "four", ["dual"], "10.5.0.2");
add("10", "six", ["dual"], "fd02::2");

const networks = (...names: readonly string[]): readonly string[] => names.map((name) => `id of ${name}`);

const view = (more: Partial<View> = {}): View => ({
  salt: 1,
  networks: networks("front", "back"),
  links: new Map(),
  extraHosts: new Map(),
  ...more,
});

interface Case {
  readonly what: string;
  readonly from?: Partial<View>;
  readonly name: string;
  readonly type?: keyof typeof recordType;
  /** Addresses or the name found; `[]`: known, without such a record; undefined: not known. */
  readonly want: readonly string[] | undefined;
}

const cases: readonly Case[] = [
  { what: "a name", name: "web1", want: ["10.0.0.2"] },
  { what: "its other family", name: "web1", type: "aaaa", want: ["fd00::2"] },
  { what: "a family that it has not", name: "web2", type: "aaaa", want: [] },
  { what: "a shared name has the addresses of one network", name: "web", want: ["10.0.0.2", "10.0.0.3"] },
  {
    what: "networks are asked in order",
    name: "web",
    from: { networks: networks("back", "front") },
    want: ["10.1.0.9"],
  },
  { what: "a name with its network", name: "web.back", want: ["10.1.0.9"] },
  {
    what: "a network that the sandbox is not in",
    name: "web.front",
    from: { networks: networks("back") },
    want: undefined,
  },
  {
    what: "a name of a network that the sandbox is not in",
    name: "db",
    from: { networks: networks("front") },
    want: undefined,
  },
  {
    what: "a family that only the second network has",
    name: "dual",
    type: "aaaa",
    from: { networks: networks("four", "six") },
    want: ["fd02::2"],
  },
  { what: "dots in both names", name: "x.y.a.b", from: { networks: networks("a.b") }, want: ["10.3.0.2"] },
  { what: "dots in a name alone", name: "x.y", from: { networks: networks("a.b") }, want: ["10.3.0.2"] },
  {
    what: "letters as the user wrote them do not count",
    name: "mixed.a.b",
    from: { networks: networks("a.b") },
    want: ["10.3.0.3"],
  },
  { what: "nobody", name: "nobody", want: undefined },
  { what: "nobody in a network", name: "nobody.front", want: undefined },
  { what: "a network alone", name: "front", want: undefined },
  { what: "another type of a known name", name: "web1", type: "ptr", want: [] },
  { what: "any type", name: "web1", type: "any", want: ["10.0.0.2"] },
  {
    what: "any type of one that has IPv6 alone",
    name: "six",
    type: "any",
    from: { networks: networks("six") },
    want: ["fd02::5"],
  },
  { what: "a link", name: "database", from: { links: new Map([["database", "db"]]) }, want: ["10.1.0.2"] },
  {
    what: "a link to a name with its network",
    name: "w",
    from: { links: new Map([["w", "web.back"]]) },
    want: ["10.1.0.9"],
  },
  {
    what: "a link with a network",
    name: "database.back",
    from: { links: new Map([["database", "db"]]) },
    want: ["10.1.0.2"],
  },
  {
    what: "a link hides who has its name",
    name: "web1",
    from: { links: new Map([["web1", "db"]]) },
    want: ["10.1.0.2"],
  },
  { what: "a link to itself", name: "loop", from: { links: new Map([["loop", "loop"]]) }, want: undefined },
  {
    what: "links in a circle",
    name: "a",
    from: {
      links: new Map([
        ["a", "b"],
        ["b", "a"],
      ]),
    },
    want: undefined,
  },
  { what: "a link to nobody", name: "gone", from: { links: new Map([["gone", "nobody"]]) }, want: undefined },
  {
    what: "an extra host",
    name: "gateway.test",
    from: { extraHosts: new Map([["gateway.test", [packed("192.0.2.1")]]]) },
    want: ["192.0.2.1"],
  },
  {
    what: "an extra host hides who has its name",
    name: "web1",
    from: { extraHosts: new Map([["web1", [packed("192.0.2.1")]]]) },
    want: ["192.0.2.1"],
  },
  { what: "a reverse name", name: "2.0.0.10.in-addr.arpa", type: "ptr", want: ["web1.front"] },
  { what: "an IPv6 reverse name", name: `2.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, type: "ptr", want: ["web1.front"] },
  {
    what: "a reverse name whose first name is too long",
    name: "2.0.4.10.in-addr.arpa",
    type: "ptr",
    from: { networks: networks("long") },
    want: undefined,
  },
  {
    what: "the reverse name of an extra host",
    name: "1.2.0.192.in-addr.arpa",
    type: "ptr",
    from: { extraHosts: new Map([["gateway.test", [packed("192.0.2.1")]]]) },
    want: ["gateway.test"],
  },
  { what: "a reverse name of nobody", name: "77.0.0.10.in-addr.arpa", type: "ptr", want: undefined },
  { what: "part of a reverse name", name: "0.0.10.in-addr.arpa", type: "ptr", want: undefined },
  { what: "no reverse name", name: "256.0.0.10.in-addr.arpa", type: "ptr", want: undefined },
];

for (const { what, from, name, type = "a", want } of cases) {
  test(`${what}: ${name.slice(0, 40)} ${type}`, () => {
    const found = find(records, view(from), name, recordType[type]);
    const data = want?.map((text) => (/[a-z]{3}/.test(text) ? encodeName(text) : ipToBytes(parseIp(text))));
    assert.deepEqual(
      found?.data.map((bytes) => [...bytes]),
      data?.map((bytes) => [...(bytes ?? [])]),
    );
    assert.equal(
      found !== undefined && found.data.length === 0,
      found?.reason !== undefined,
      "a reason where nothing is found",
    );
  });
}

test("names are kept as their bytes, letters small", () => {
  assert.equal(keptName("WEB.Example."), "web.example");
  assert.equal(keptName("Ünï"), Buffer.from("Ünï").toString("latin1"));
});
