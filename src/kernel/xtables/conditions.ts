/**
 * Matches and targets of iptables, as far as it matters for what becomes of a packet: those that the iptables tools put into nftables rules as they are
 * (expressions `match` and `target`), and those in the kernel's old tables. Numbers are in the machine's own byte order, ports too.
 */

/** What a match asks. `unknown`: something that only the packet itself can tell, or that nobody here knows. */
export type Condition =
  | { readonly type: "always" }
  | { readonly type: "unknown" }
  /** ct state and ct status, as bits of nftables: at least one of them is there. */
  | { readonly type: "state"; readonly state: number; readonly status: number; readonly not: boolean }
  /** The destination port lies in one of the ranges. */
  | { readonly type: "port"; readonly ranges: readonly (readonly [number, number])[]; readonly not: boolean }
  /** The destination is an address of one of these types (RTN_*, as bits). */
  | { readonly type: "destination"; readonly types: number; readonly not: boolean };

const unknown: Condition = { type: "unknown" };
const always: Condition = { type: "always" };

/** A match by its name and revision; `info` is its own structure (xt_*_info). */
export function readMatch(name: string, revision: number, info: Buffer): Condition {
  try {
    switch (name) {
      case "comment":
        return always;
      case "conntrack":
        return revision >= 2 ? readConntrack(info) : unknown;
      case "state":
        return { type: "state", ...stateOf(info.readUInt32LE(0)), not: false };
      case "tcp":
        // TCP option and mask of flags.
        return info.readUInt16LE(8) === 0 ? readPorts(info, 11) : unknown;
      case "udp":
        return readPorts(info, 8);
      case "multiport":
        return readMultiport(info);
      case "addrtype":
        return revision === 1 ? readAddressType(info) : unknown;
      default:
        return unknown;
    }
  } catch (error) {
    // Shorter than the structure that is known: another revision.
    if (error instanceof RangeError) return unknown;
    throw error;
  }
}

/** XT_CONNTRACK_STATE_*: invalid, established, related and new as in nftables; snat, dnat and untracked are bits of their own. */
const stateBits = 0b1111;
const translated = 1 << 7;
const untracked = { here: 1 << 8, nft: 1 << 6 } as const;
/** IPS_DST_NAT, a bit of ct status. */
const destinationTranslated = 1 << 5;

function stateOf(bits: number): { readonly state: number; readonly status: number } {
  return {
    state: (bits & stateBits) | (bits & untracked.here ? untracked.nft : 0),
    status: bits & translated ? destinationTranslated : 0,
  };
}

/** struct xt_conntrack_mtinfo2 and 3: what it looks at stands behind addresses, expiration and ports. */
const conntrack = { flags: 146, inverted: 148, state: 150 } as const;
/** XT_CONNTRACK_STATE */
const stateFlag = 1;

function readConntrack(info: Buffer): Condition {
  if (info.readUInt16LE(conntrack.flags) !== stateFlag) return unknown;
  const not = (info.readUInt16LE(conntrack.inverted) & stateFlag) !== 0;
  return { type: "state", ...stateOf(info.readUInt16LE(conntrack.state)), not };
}

/** XT_TCP_INV_* and XT_UDP_INV_* */
const invertedPort = { source: 1, destination: 2 } as const;

/** struct xt_tcp and xt_udp: first and last source port, first and last destination port, and at `inverses` which of them are inverted. */
function readPorts(info: Buffer, inverses: number): Condition {
  const inverted = info.readUInt8(inverses);
  const anySource = info.readUInt16LE(0) === 0 && info.readUInt16LE(2) === 0xffff;
  if (!anySource || (inverted & invertedPort.source) !== 0) return unknown;
  const range = [info.readUInt16LE(4), info.readUInt16LE(6)] as const;
  return { type: "port", ranges: [range], not: (inverted & invertedPort.destination) !== 0 };
}

/** struct xt_multiport_v1: flags (1: destination), count, 15 ports, 15 marks of those that begin a range, inversion. */
function readMultiport(info: Buffer): Condition {
  const count = info.readUInt8(1);
  if (info.readUInt8(0) !== 1 || count > 15) return unknown;
  const ranges: [number, number][] = [];
  for (let at = 0; at < count; at++) {
    const first = info.readUInt16LE(2 + 2 * at);
    const begins = info.readUInt8(32 + at) !== 0 && at + 1 < count;
    ranges.push([first, begins ? info.readUInt16LE(2 + 2 * ++at) : first]);
  }
  return { type: "port", ranges, not: info.readUInt8(47) !== 0 };
}

/** struct xt_addrtype_info_v1: types of source and destination, and flags; XT_ADDRTYPE_INVERT_DEST is 2. */
function readAddressType(info: Buffer): Condition {
  const flags = info.readUInt32LE(4);
  if (info.readUInt16LE(0) !== 0 || (flags & ~2) !== 0) return unknown;
  return { type: "destination", types: info.readUInt16LE(2), not: flags === 2 };
}

/** What a target does: end the packet's way, translate it, or nothing that matters here. */
export type TargetEffect = "drop" | "translate destination" | "end" | "nothing" | "unknown";

const effects: Readonly<Record<string, TargetEffect>> = {
  REJECT: "drop",
  DNAT: "translate destination",
  REDIRECT: "translate destination",
  MASQUERADE: "end",
  SNAT: "end",
  NETMAP: "end",
  LOG: "nothing",
  NFLOG: "nothing",
  TRACE: "nothing",
  MARK: "nothing",
  CONNMARK: "nothing",
  TCPMSS: "nothing",
  CT: "nothing",
  NOTRACK: "nothing",
  CLASSIFY: "nothing",
  SET: "nothing",
  CHECKSUM: "nothing",
};

/** What a target of that name does. */
export const targetEffect = (name: string): TargetEffect =>
  (Object.hasOwn(effects, name) ? effects[name] : undefined) ?? "unknown";
