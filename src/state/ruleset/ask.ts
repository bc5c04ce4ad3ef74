/** What a check of the firewall asks of the host's ruleset, and is told. */
import type { Family } from "../../address/ip.ts";
import { type Kernel, KernelError } from "../../kernel/kernel.ts";
import { decodeRoute, dumpRoutes } from "../../kernel/netlink/route/route.ts";
import { observeNamespace } from "../observe.ts";
import { type LinkIndexes, outside, type TrialPacket } from "./packet.ts";
import { type RulesetTable, readRuleset } from "./read.ts";
import { type Fate, fateOf } from "./walk.ts";

export interface PacketQuestion {
  readonly packets: readonly TrialPacket[];
  /** Tables of family inet that are left out: the engine's own. */
  readonly except: readonly string[];
  /** Names of chains that tell whose a table is. */
  readonly landmarks: readonly string[];
}

export interface PacketAnswer {
  /** One for each packet. */
  readonly fates: readonly Fate[];
  /** Links of default routes, best first. */
  readonly uplinks: Readonly<Record<Family, readonly string[]>>;
  /** Tables of iptables-legacy that have rules, or a chain that drops what none of them meets. */
  readonly legacy: readonly { readonly family: RulesetTable["family"]; readonly name: string }[];
}

/** Reads the ruleset of the host and follows the packets through it. */
export function askRuleset(kernel: Kernel, { packets, except, landmarks }: PacketQuestion): PacketAnswer {
  const tables = readRuleset(kernel, except);
  const uplinks = { 4: uplinksOf(kernel, 4), 6: uplinksOf(kernel, 6) };
  const indexes = new Map<string, number | undefined>();
  const indexOf: LinkIndexes = (name) => indexes.getOrInsertComputed(name, () => linkIndex(kernel, name));
  return {
    fates: packets.map((packet) => fateOf(placed(packet, uplinks), tables, landmarks, indexOf)),
    uplinks,
    legacy: tables.flatMap((table) =>
      table.legacy && !isIdle(table) ? [{ family: table.family, name: table.name }] : [],
    ),
  };
}

/** A packet with the names of its links. */
function placed(packet: TrialPacket, uplinks: PacketAnswer["uplinks"]): TrialPacket {
  const name = (link: string): string => (link === outside ? (uplinks[packet.family][0] ?? outside) : link);
  const { input, output } = packet;
  return { ...packet, input: name(input), ...(output !== undefined && { output: name(output) }) };
}

/** RT_TABLE_MAIN */
const mainTable = 254;

function uplinksOf(kernel: Kernel, family: Family): readonly string[] {
  const host = observeNamespace(kernel, "host");
  const defaults = kernel
    .dump("host", "route", dumpRoutes(family))
    .flatMap((message) => decodeRoute(message) ?? [])
    .filter(({ destination, type, table }) => destination === "default" && type === "unicast" && table === mainTable)
    .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  return [...new Set(defaults.flatMap(({ link }) => host?.linkName(link) ?? []))];
}

function linkIndex(kernel: Kernel, name: string): number | undefined {
  try {
    return kernel.linkIndex("host", name);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

const isIdle = ({ chains }: RulesetTable): boolean =>
  [...chains.values()].every(({ base, rules }) => rules.length === 0 && base?.policy !== "drop");
