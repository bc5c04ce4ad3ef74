/** DNS names and messages to draw from. */
import type { RecordType, StringAnswer } from "dns-packet";
import fc from "fast-check";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

const label = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 63 });

/** Names of the wire that have a text: labels of letters, digits, hyphens and underscores; at most 255 bytes. */
export const name: fc.Arbitrary<string> = fc
  .array(label, { minLength: 1, maxLength: 8 })
  .map((labels) => labels.join("."))
  .filter((text) => text.length <= 253);

/** Types of questions. */
export const type: fc.Arbitrary<RecordType> = fc.constantFrom("A", "AAAA", "PTR", "MX", "TXT", "SRV", "NS");

/** An address record's data. */
export const ipv4: fc.Arbitrary<string> = fc.ipV4();

/** Records of an answer section, of several types and with names that are compressed or not. */
export const records: fc.Arbitrary<readonly StringAnswer[]> = fc.array(
  fc.record({
    name,
    type: fc.constantFrom("A" as const, "CNAME" as const, "PTR" as const),
    ttl: fc.nat(86400),
    data: ipv4,
  }),
  { maxLength: 60 },
);
