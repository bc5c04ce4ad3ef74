/**
 * The kernel's own tables of iptables (linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h), which nftables neither shows nor flushes. They are asked
 * for by socket options; what they hold is told in the form of nftables chains and rules, so that whoever follows a packet through rules needs to know one form.
 */
import { readFileSync } from "node:fs";
import type { Family } from "../../address/ip.ts";
import { AttributeWriter, malformed } from "../netlink/attribute.ts";
import type { Chain } from "../netlink/nftables/chain.ts";
import type { Expression, Verdict } from "../netlink/nftables/expressions.ts";
import { bytesToHex } from "../netlink/nftables/values.ts";
import { closeSocket, getSocketOption, socket } from "../syscalls.ts";
import type { LegacyTable } from "./table.ts";

/** Structures that differ between the families: sizes and offsets in bytes. */
const layouts = {
  4: {
    names: "ip_tables_names",
    domain: 2,
    level: 0,
    links: 16,
    protocol: 80,
    flags: 82,
    inverses: 83,
    offsets: 88,
    elements: 112,
    addresses: 16,
  },
  6: {
    names: "ip6_tables_names",
    domain: 10,
    level: 41,
    links: 64,
    protocol: 128,
    flags: 131,
    inverses: 132,
    offsets: 140,
    elements: 168,
    addresses: 64,
  },
} as const;
type Layout = (typeof layouts)[Family];

/** SOCK_RAW | SOCK_CLOEXEC, and IPPROTO_RAW. */
const rawSocket = 3 | 0o2000000;
const rawProtocol = 255;
/** IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; IPv6 has the same numbers. */
const getInfo = 64;
const getEntries = 65;
/** struct ipt_getinfo and the header of struct ipt_get_entries. */
const infoLength = 84;
const entriesHeader = 40;
/** XT_TABLE_MAXNAMELEN, XT_EXTENSION_MAXNAMELEN, IFNAMSIZ */
const nameLength = 32;
const extensionNameLength = 29;
const linkNameLength = 16;
/** struct xt_entry_match and xt_entry_target: size, name, revision. */
const extensionHeader = 32;
const extensionRevision = 31;

/** enum nf_inet_hooks, by number. */
const hooks = ["prerouting", "input", "forward", "output", "postrouting"] as const;

/** Names of the tables that the namespace of the calling thread has. Asking for another one would make it. */
export function legacyTableNames(family: Family): readonly string[] {
  try {
    const names = readFileSync(`/proc/thread-self/net/${layouts[family].names}`, "utf8");
    return names.split("\n").filter((name) => name !== "");
  } catch {
    return []; // no such tables in this kernel
  }
}

/** Reads a table that {@link legacyTableNames} told of; throws KernelError. */
export function readLegacyTable(family: Family, name: string): LegacyTable {
  const layout = layouts[family];
  const fd = socket(layout.domain, rawSocket, rawProtocol);
  try {
    const question = Buffer.alloc(infoLength);
    question.write(name, 0, nameLength - 1);
    const info = getSocketOption(fd, layout.level, getInfo, question);
    const size = info.readUInt32LE(infoLength - 4);
    const entries = Buffer.alloc(entriesHeader + size);
    entries.write(name, 0, nameLength - 1);
    entries.writeUInt32LE(size, nameLength);
    getSocketOption(fd, layout.level, getEntries, entries);
    return decodeLegacyTable(family, name, info, entries.subarray(entriesHeader));
  } finally {
    closeSocket(fd);
  }
}

/** A chain as a place in the entries. */
interface Place {
  readonly chain: Chain;
  readonly start: number;
}

/** A table from struct ipt_getinfo and its entries; throws `kernel` where they do not fit together. */
export function decodeLegacyTable(family: Family, name: string, info: Buffer, entries: Buffer): LegacyTable {
  try {
    return decode(family, name, info, entries);
  } catch (error) {
    if (error instanceof RangeError) throw malformed(`table ${name} of iptables-legacy: ${error.message}`);
    throw error;
  }
}

function decode(family: Family, name: string, info: Buffer, entries: Buffer): LegacyTable {
  const layout = layouts[family];
  const starts = entryStarts(layout, entries);
  const places = [...baseChains(layout, name, info, entries), ...userChains(layout, name, entries, starts)];
  const byStart = new Map(places.map((place) => [place.start, place.chain]));
  const policies = new Set(hookNumbers(info).map((hook) => info.readUInt32LE(56 + 4 * hook)));
  const rules: { chain: string; expressions: readonly Expression[] }[] = [];
  let current: Chain | undefined;
  for (const start of starts) {
    current = byStart.get(start) ?? current;
    const target = targetOf(layout, entries, start);
    // An entry that names the chain behind it belongs to none; a base chain's last one is its policy.
    if (target.name === "ERROR") current = undefined;
    if (current === undefined || policies.has(start)) continue;
    const expressions = [...conditions(layout, entries, start), ...effect(layout, entries, start, target, byStart)];
    rules.push({ chain: current.name, expressions });
  }
  return { name, chains: places.map(({ chain }) => chain), rules };
}

const hookNumbers = (info: Buffer): readonly number[] => {
  const valid = info.readUInt32LE(nameLength);
  return hooks.map((_, hook) => hook).filter((hook) => (valid & (1 << hook)) !== 0);
};

/** Offsets of all entries. */
function entryStarts(layout: Layout, entries: Buffer): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < entries.length; ) {
    starts.push(at);
    const next = entries.readUInt16LE(at + layout.offsets + 2);
    if (next < layout.elements) throw new RangeError(`an entry of ${next} bytes`);
    at += next;
  }
  return starts;
}

function baseChains(layout: Layout, table: string, info: Buffer, entries: Buffer): readonly Place[] {
  return hookNumbers(info).map((number) => {
    const hook = hooks[number] ?? "forward";
    const target = targetOf(layout, entries, info.readUInt32LE(56 + 4 * number));
    const policy = verdictOf(target.data.readInt32LE(0)) === "drop" ? "drop" : "accept";
    const base = { type: table === "nat" ? "nat" : "filter", hook, priority: priorityOf(table, hook), policy } as const;
    return { chain: { table, name: hook.toUpperCase(), base }, start: info.readUInt32LE(36 + 4 * number) };
  });
}

/** Where the old tables hang (NF_IP_PRI_*). */
function priorityOf(table: string, hook: string): number {
  if (table === "raw") return -300;
  if (table === "mangle") return -150;
  if (table === "nat") return hook === "prerouting" || hook === "output" ? -100 : 100;
  return table === "security" ? 50 : 0;
}

/** The chains that others are jumped to from: each stands behind an entry whose target ERROR names it. */
function userChains(layout: Layout, table: string, entries: Buffer, starts: readonly number[]): readonly Place[] {
  return starts.flatMap((start, at) => {
    const target = targetOf(layout, entries, start);
    const following = starts[at + 1];
    if (target.name !== "ERROR" || following === undefined) return [];
    return [{ chain: { table, name: text(target.data) }, start: following }];
  });
}

const text = (bytes: Buffer): string => bytes.toString("latin1").split("\0")[0] ?? "";

interface Extension {
  readonly name: string;
  readonly revision: number;
  readonly data: Buffer;
}

function extensionAt(entries: Buffer, at: number): Extension & { readonly length: number } {
  const length = entries.readUInt16LE(at);
  if (length < extensionHeader) throw new RangeError(`an extension of ${length} bytes`);
  const name = text(entries.subarray(at + 2, at + 2 + extensionNameLength));
  const data = entries.subarray(at + extensionHeader, at + length);
  return { name, revision: entries.readUInt8(at + extensionRevision), data, length };
}

const targetOf = (layout: Layout, entries: Buffer, start: number): Extension =>
  extensionAt(entries, start + entries.readUInt16LE(start + layout.offsets));

/** IPT_INV_* and IP6T_INV_* */
const inverted = { input: 1, output: 2, protocol: 0x40 } as const;

/** What an entry asks for before its target: addresses, links, protocol, matches. */
function conditions(layout: Layout, entries: Buffer, start: number): readonly Expression[] {
  const inverses = entries.readUInt8(start + layout.inverses);
  const links = start + layout.links;
  const protocol = entries.readUInt16LE(start + layout.protocol);
  const anyAddress = entries.subarray(start, links).every((byte) => byte === 0);
  const found: Expression[] = [
    ...link("iifname", entries, links, (inverses & inverted.input) !== 0),
    ...link("oifname", entries, links + linkNameLength, (inverses & inverted.output) !== 0),
  ];
  if (!anyAddress) found.push({ type: "unknown", name: "addresses", data: "" });
  if (protocol !== 0) {
    const operation = (inverses & inverted.protocol) === 0 ? "==" : "!=";
    found.push({ type: "meta", key: "l4proto", to: 1 });
    found.push({ type: "cmp", operation, from: 1, value: bytesToHex(Uint8Array.of(protocol)) });
  }
  const end = start + entries.readUInt16LE(start + layout.offsets);
  for (let at = start + layout.elements; at < end; ) {
    const match = extensionAt(entries, at);
    found.push(asExpression("match", match));
    at += match.length;
  }
  return found;
}

/** A link's name, of which as many bytes count as the mask has. */
function link(key: "iifname" | "oifname", entries: Buffer, at: number, not: boolean): readonly Expression[] {
  const mask = entries.subarray(at + 2 * linkNameLength, at + 3 * linkNameLength);
  const length = mask.indexOf(0) === -1 ? linkNameLength : mask.indexOf(0);
  if (length === 0) return [];
  const value = bytesToHex(entries.subarray(at, at + length));
  return [
    { type: "meta", key, to: 1 },
    { type: "cmp", operation: not ? "!=" : "==", from: 1, value },
  ];
}

/** NFTA_MATCH_* and NFTA_TARGET_*: name, revision, and what it is about. */
const extensionAttribute = { name: 1, revision: 2, info: 3 } as const;

/** A match or target as nftables keeps one that it knows by name alone. */
function asExpression(type: "match" | "target", { name, revision, data }: Extension): Expression {
  const writer = new AttributeWriter().string(extensionAttribute.name, name);
  writer.be32(extensionAttribute.revision, revision).bytes(extensionAttribute.info, data);
  return { type: "unknown", name: type, data: bytesToHex(writer.finish()) };
}

/** IPT_F_GOTO; IP6T_F_GOTO is another bit. */
const goesTo = { 4: 2, 6: 4 } as const;

/** What an entry's target does. The standard target has no name: its verdict is negative, or the offset of a chain. */
function effect(
  layout: Layout,
  entries: Buffer,
  start: number,
  target: Extension,
  chains: ReadonlyMap<number, Chain>,
): readonly Expression[] {
  if (target.name !== "") return [asExpression("target", target)];
  const code = target.data.readInt32LE(0);
  if (code < 0) {
    const verdict = verdictOf(code);
    return verdict === undefined ? [{ type: "unknown", name: "queue", data: "" }] : [{ type: "verdict", verdict }];
  }
  const chain = chains.get(code);
  // To the next entry: a rule without a target.
  if (chain === undefined) return [];
  const flags = entries.readUInt8(start + layout.flags);
  const verdict = (flags & goesTo[layout.domain === 2 ? 4 : 6]) === 0 ? "jump" : "goto";
  return [{ type: "verdict", verdict, chain: chain.name }];
}

/** -NF_DROP - 1, -NF_ACCEPT - 1, XT_RETURN; others hand the packet to a program. */
function verdictOf(code: number): Exclude<Verdict["verdict"], "jump" | "goto"> | undefined {
  if (code === -1) return "drop";
  if (code === -2) return "accept";
  return code === -5 ? "return" : undefined;
}
