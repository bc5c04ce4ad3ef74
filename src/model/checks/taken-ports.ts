/** Published ports that somebody else's rules lead elsewhere before ours are asked. */
import { type Family, familyOf } from "../../address/ip.ts";
import { countOf, type PublishedPort, portText } from "../../address/port.ts";
import { priority } from "../../firewall/building.ts";
import { chainWords, landmarks, ownTables } from "../../firewall/others.ts";
import { type ChainPlace, outside, type TrialPacket } from "../../state/engine.ts";
import type { Context } from "../context.ts";
import type { Problem } from "../types.ts";
import type { Check } from "./check.ts";

/** How many ports are looked at one by one. */
const limit = 1000;

interface Attempt {
  readonly port: PublishedPort;
  readonly packet: TrialPacket;
}

export const takenPorts: Check = async ({ context }) => {
  const attempts = attemptsOf(context);
  // Mostly nobody leads anything anywhere, which one packet of each kind tells.
  const kinds = [...Map.groupBy(attempts, ({ packet }) => `${packet.protocol} ${packet.family}`).values()];
  const samples = kinds.flatMap(([first]) => (first === undefined ? [] : [withoutPort(first.packet)]));
  const may = await takers(context, samples);
  const suspects = kinds.flatMap((those, at) => (may[at] === undefined ? [] : those)).slice(0, limit);
  const taken = await takers(
    context,
    suspects.map(({ packet }) => packet),
  );
  return suspects.flatMap(({ port }, at) => {
    const taker = taken[at];
    return taker?.certain ? [problemOf(port, taker)] : [];
  });
};

type Taker = ChainPlace & { readonly certain: boolean };

function withoutPort({ port: _, ...packet }: TrialPacket): TrialPacket {
  return packet;
}

/** For each packet the chain that translates it before ours would. */
async function takers(context: Context, packets: readonly TrialPacket[]): Promise<readonly (Taker | undefined)[]> {
  if (packets.length === 0) return [];
  const { fates } = await context.engine.tryPackets({ packets, except: ownTables, landmarks });
  // Of chains of one priority the one that was made last goes first.
  return fates.map(({ translated }) => translated.find((place) => place.priority <= priority.dstnat));
}

function attemptsOf(context: Context): readonly Attempt[] {
  const joined = [...context.records.endpoints.values()].filter(({ join }) => join !== undefined);
  return joined.flatMap((endpoint) => {
    const families = ([4, 6] as const).filter((family) => (family === 4 ? endpoint.ipv4 : endpoint.ipv6) !== undefined);
    return (endpoint.ports ?? []).flatMap((port) =>
      families
        .filter((family) => port.address === undefined || familyOf(port.address) === family)
        .flatMap((family) => packetsTo(port, family)),
    );
  });
}

/** Packets to the first and last of a row of ports. */
function packetsTo(port: PublishedPort, family: Family): readonly Attempt[] {
  const { protocol, host } = port;
  const numbers = countOf(host) > 1 ? [host.first, host.last] : [host.first];
  const packet = { hook: "prerouting", family, protocol, input: outside, translated: false, local: true } as const;
  return numbers.map((number) => ({ port, packet: { ...packet, port: number } }));
}

function problemOf(port: PublishedPort, place: ChainPlace): Problem {
  const { family, table, chain, legacy } = place;
  const tool = `${family === "ip6" ? "ip6tables" : "iptables"}-legacy -t ${table} -S`;
  const list = legacy ? tool : `nft -a list table ${family} ${table}`;
  return {
    code: "port-taken",
    severity: "warning",
    title: `somebody else's rules lead the published port ${portText(port)} elsewhere`,
    detail: `${chainWords(place)} translates what comes to it before portolan's rules are asked`,
    advice: `remove the rule, or publish another port; \`${list}\` shows what chain ${chain} leads to`,
  };
}
