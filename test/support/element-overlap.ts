/** Whether elements of an interval set overlap: then the kernel refuses the second one. */
import { parseSubnet, rangeOf } from "../../src/address/cidr.ts";
import { ipToNumber, parseIp } from "../../src/address/ip.ts";
import type { NftKeyPart } from "../../src/state/objects.ts";

/** A value as a number, where its type has an order. */
function numberOf(value: string): bigint | undefined {
  if (/^\d+$/.test(value)) return BigInt(value);
  return /[.:]/.test(value) ? ipToNumber(parseIp(value)) : undefined;
}

function rangeOfPart(part: NftKeyPart): { readonly first: bigint; readonly last: bigint } | string {
  if (typeof part !== "string" && "prefix" in part) return rangeOf(parseSubnet(part.prefix));
  const [from, to] = typeof part === "string" ? [part, part] : [part.from, part.to];
  const first = numberOf(from);
  const last = numberOf(to);
  return first === undefined || last === undefined ? from : { first, last };
}

function partsOverlap(a: NftKeyPart, b: NftKeyPart): boolean {
  const [one, other] = [rangeOfPart(a), rangeOfPart(b)];
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.first <= other.last && other.first <= one.last;
}

/** Whether two keys of one set share a value: all their parts do. */
export function elementsOverlap(a: readonly NftKeyPart[], b: readonly NftKeyPart[]): boolean {
  return a.length === b.length && a.every((part, at) => partsOverlap(part, b[at] ?? ""));
}
