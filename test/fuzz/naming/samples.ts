/** Queries and answers that fuzzing begins with, and who is in the records they ask for. */
import { encode, type Packet, type RecordType } from "dns-packet";
import { parseIp } from "../../../src/address/ip.ts";
import type { NamedEndpoint, NamedSandbox } from "../../../src/naming/resolver.ts";

const question = (name: string, type: RecordType): Packet => ({
  type: "query",
  id: 1,
  flags: 0x0100,
  questions: [{ name, type, class: "IN" }],
});

const opt = (udpPayloadSize: number, ednsVersion: number, padding: number): Packet => ({
  additionals: [
    {
      type: "OPT",
      name: ".",
      udpPayloadSize,
      extendedRcode: 0,
      ednsVersion,
      flags: 0x8000,
      flag_do: true,
      // Padding (RFC 7830).
      options: padding === 0 ? [] : [{ code: 12, length: padding }],
    },
  ],
});

/** Queries for what is known and what is not, plain and with EDNS. */
export const queries: readonly Buffer[] = [
  question("web", "A"),
  question("WEB.front", "AAAA"),
  question("many", "A"),
  question("many", "AAAA"),
  question("web", "MX"),
  question("x.y.back", "A"),
  question("host.extra", "A"),
  question("2.0.0.10.in-addr.arpa", "PTR"),
  question(`2.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, "PTR"),
  question("nobody.test", "A"),
  question("a.very.long.name.with.many.labels.that.nobody.has.in.any.network.at.all.test", "TXT"),
  question("single", "A"),
  question("", "NS"),
]
  .flatMap((packet) => [packet, { ...packet, ...opt(1232, 0, 8) }])
  .concat({ ...question("web", "A"), ...opt(65535, 0, 100) }, { ...question("web", "A"), ...opt(0, 1, 0) })
  .map((packet) => encode(packet));

/** What queries must not be taken for. */
export const responses: readonly Buffer[] = queries.map((packet) => {
  const response = Buffer.from(packet);
  response.writeUInt16BE(0x8180, 2);
  return response;
});

const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => [parseIp(`10.2.${i >> 8}.${i & 255}`), parseIp(`fd00:2::${i}`)]).flat();

/** The endpoints that {@link queries} ask for. */
export const endpoints: readonly NamedEndpoint[] = [
  {
    id: "1",
    networkId: "n1",
    networkName: "front",
    names: ["web"],
    addresses: [parseIp("10.0.0.2"), parseIp("fd00::2")],
  },
  { id: "2", networkId: "n1", networkName: "front", names: ["many"], addresses: addresses(300) },
  { id: "3", networkId: "n2", networkName: "back", names: ["x.y"], addresses: [parseIp("10.1.0.2")] },
];

/** A sandbox that sees them, without nameservers. */
export const sandbox: Omit<NamedSandbox, "id" | "namespace"> = {
  networks: ["n1", "n2"],
  links: { db: "web" },
  extraHosts: { "host.extra": [parseIp("192.0.2.1")] },
  nameservers: [],
};
