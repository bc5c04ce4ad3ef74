/** What a sandbox's resolver knows of a name: pure, and in the order in which libnetwork asks. */
import type { PackedAddress, Records } from "./records.ts";
import { recordType } from "./wire/constants.ts";
import { encodeName, keptName, printedName, reversedAddress } from "./wire/name.ts";

/** What decides what a sandbox's names mean; sandboxes with equal ones share it. */
export interface View {
  /** A number of its own, by which its answers are kept apart. */
  readonly salt: number;
  /** Ids, in the order in which they are asked. */
  readonly networks: readonly string[];
  /** From a name to what it stands for; both kept names (wire/name.ts). */
  readonly links: ReadonlyMap<string, string>;
  readonly extraHosts: ReadonlyMap<string, readonly PackedAddress[]>;
}

/** The data of the records that answer a question, all of one type; none with a reason in words. */
export interface Found {
  readonly type: number;
  readonly data: readonly Uint8Array[];
  readonly reason?: string;
}

const bytesOf = (address: PackedAddress): Uint8Array => Buffer.from(address, "latin1");
const isIpv4 = (address: PackedAddress): boolean => address.length === 4;

/** What is known of a name (as kept) for questions of a type; undefined where the name is not known here. */
export function find(records: Records, view: View, name: string, type: number): Found | undefined {
  if (type === recordType.ptr) {
    const owner = nameOf(records, view, name);
    if (owner !== undefined) return { type, data: [owner] };
  }
  const known = addressesOf(records, view, name);
  if (known === undefined) return undefined;
  // "Any" may be answered by some of what there is (RFC 8482 §4.1).
  const wanted = type !== recordType.any ? type : known.some(isIpv4) ? recordType.a : recordType.aaaa;
  if (wanted !== recordType.a && wanted !== recordType.aaaa) {
    return { type, data: [], reason: `${printedName(name)} is known here, and has addresses only` };
  }
  const data = known.filter((address) => isIpv4(address) === (wanted === recordType.a)).map(bytesOf);
  if (data.length > 0) return { type: wanted, data };
  return { type, data, reason: `${printedName(name)} has no ${wanted === recordType.a ? "IPv4" : "IPv6"} address` };
}

/**
 * The addresses of a name. The first network that knows it answers, and where that has none of a family, the next one that has:
 * so it is per family that networks are asked in order.
 */
function addressesOf(records: Records, view: View, name: string): readonly PackedAddress[] | undefined {
  const extra = view.extraHosts.get(name);
  if (extra !== undefined) return extra;
  for (const [first, network] of splits(name)) {
    const asked = view.links.get(first) ?? first;
    const ofNetworks: (readonly PackedAddress[])[] = [];
    for (const id of view.networks) {
      const names = records.network(id);
      if (names === undefined || (network !== undefined && names.name !== network)) continue;
      const endpoints = names.byName.get(asked);
      if (endpoints !== undefined) ofNetworks.push(endpoints.flatMap(({ addresses }) => addresses));
    }
    if (ofNetworks.length === 0) continue;
    const firstWith = (isWanted: (address: PackedAddress) => boolean): readonly PackedAddress[] =>
      ofNetworks.find((addresses) => addresses.some(isWanted))?.filter(isWanted) ?? [];
    return [...new Set([...firstWith(isIpv4), ...firstWith((address) => !isIpv4(address))])];
  }
  const linked = view.links.get(name);
  // A link may stand for a name with its network. Links of links do not count: they could go round.
  return linked === undefined || linked === name
    ? undefined
    : addressesOf(records, { ...view, links: new Map() }, linked);
}

/** A name as a whole, and then as a name and its network, cut at each dot from the right: both may have dots. */
function* splits(name: string): Iterable<readonly [first: string, network: string | undefined]> {
  yield [name, undefined];
  for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
    yield [name.slice(0, dot), name.slice(dot + 1)];
  }
}

/** The wire form of the name of whoever has the address that a reverse name asks for. */
function nameOf(records: Records, view: View, name: string): Uint8Array | undefined {
  const address = reversedAddress(name);
  if (address === undefined) return undefined;
  for (const [host, addresses] of view.extraHosts) if (addresses.includes(address)) return encodeName(host);
  for (const id of view.networks) {
    const network = records.network(id);
    const owner = network?.byAddress.get(address)?.[0]?.names[0];
    const encoded = owner === undefined ? undefined : encodeName(`${keptName(owner)}.${network?.name}`);
    if (encoded !== undefined) return encoded;
  }
  return undefined;
}
