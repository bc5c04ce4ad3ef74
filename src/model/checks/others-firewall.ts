/** Firewalls of others that drop what networks send and receive, for certain: and how they let it through. */

import { type Family, familyOf } from "../../address/ip.ts";
import { isolationSets } from "../../firewall/isolation.ts";
import {
  chainWords,
  isPassing,
  landmarks,
  type Manager,
  managerOf,
  managerWords,
  ownTables,
  waysOut,
} from "../../firewall/others.ts";
import { type ChainPlace, outside, type TrialPacket } from "../../state/engine.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Context } from "../context.ts";
import { networkOwner } from "../descriptions.ts";
import { driverOf } from "../related.ts";
import type { Problem } from "../types.ts";
import type { Check } from "./check.ts";

/** What a packet stands for: of which network, and going where. */
interface Subject {
  readonly network: string;
  readonly bridge: string;
  readonly way: "leaving" | "published" | "inside";
}
type Attempt = Subject & { readonly packet: TrialPacket };

/** How many commands an advice lists. */
const shown = 10;

export const othersFirewall: Check = async ({ context }) => {
  const { filteredBridging } = await context.engine.facts("host");
  const attempts = [...context.records.networks.values()].flatMap((network) =>
    bridgesOf(context, network).flatMap((bridge) => attemptsOf(context, network, bridge, filteredBridging)),
  );
  if (attempts.length === 0) return [];
  const packets = attempts.map(({ packet }) => packet);
  const { fates } = await context.engine.tryPackets({ packets, except: ownTables, landmarks });
  const dropped = attempts.flatMap((attempt, at) =>
    (fates[at]?.dropped ?? []).map((place) => ({ ...attempt, place, manager: managerOf(place) })),
  );
  return [...Map.groupBy(dropped, ({ manager }) => manager)].map(([manager, those]) => problemOf(manager, those));
};

/** Names of a network's bridges on this host, as far as they are wanted now. */
function bridgesOf(context: Context, { id }: NetworkRecord): readonly string[] {
  return context.ledger.of(networkOwner(id)).flatMap((object) => {
    if (object.kind !== "nft-element" || object.set !== isolationSets.bridges.name) return [];
    const [name] = object.key;
    return typeof name === "string" ? [name] : [];
  });
}

/** The connections that must not be dropped: a container's to the outside, one to a published port, and between containers where the host's firewall sees these. */
function attemptsOf(
  context: Context,
  network: NetworkRecord,
  bridge: string,
  filteredBridging: readonly Family[],
): readonly Attempt[] {
  const families = ([4, 6] as const).filter((family) => (family === 4 ? network.enableIpv4 : network.enableIpv6));
  return families.flatMap((family): readonly Attempt[] => {
    const base = { hook: "forward", family, protocol: "tcp", translated: false, local: false } as const;
    const subject = { network: network.name, bridge } as const;
    const inside: Attempt = { ...subject, way: "inside", packet: { ...base, input: bridge, output: bridge } };
    const apart = filteredBridging.includes(family) ? [inside] : [];
    const closed = driverOf(context, network).withoutGateway?.(network).includes(family) ?? false;
    if (network.internal || closed) return apart;
    const leaving: Attempt = { ...subject, way: "leaving", packet: { ...base, input: bridge, output: outside } };
    return [
      leaving,
      ...publishedAttempt(context, network, family, { ...base, input: outside, output: bridge }, subject),
      ...apart,
    ];
  });
}

/** A connection to the first port that the network publishes in a family. */
function publishedAttempt(
  context: Context,
  network: NetworkRecord,
  family: Family,
  packet: TrialPacket,
  subject: Omit<Subject, "way">,
): readonly Attempt[] {
  const routed = driverOf(context, network).publishing?.(network)?.routed.includes(family) ?? false;
  for (const { ports = [], ipv4, ipv6 } of context.records.endpointsOfNetwork(network.id)) {
    const address = family === 4 ? ipv4 : ipv6;
    const port = ports.find((one) => one.address === undefined || familyOf(one.address) === family);
    if (address === undefined || port === undefined) continue;
    const { protocol, container } = port;
    return [
      { ...subject, way: "published", packet: { ...packet, protocol, port: container.first, translated: !routed } },
    ];
  }
  return [];
}

type Dropped = Attempt & { readonly place: ChainPlace & { readonly policy: boolean } };

const wayWords = {
  leaving: (names: string) => `what containers of ${names} send out`,
  published: (names: string) => `what comes to published ports of ${names}`,
  inside: (names: string) => `what containers of ${names} send each other (br_netfilter shows it to the firewall)`,
} as const;

function problemOf(manager: Manager, dropped: readonly Dropped[]): Problem {
  const chains = Map.groupBy(dropped, ({ place }) => chainWords(place));
  const detail = [...chains].map(([words, those]) => {
    const ways = [...Map.groupBy(those, ({ way }) => way)].map(([way, of]) =>
      wayWords[way](listed(of.map(({ network }) => network))),
    );
    return `${words} drops ${ways.join(", and ")}${those.every(({ place }) => place.policy) ? ": it is its policy, and none of its rules lets it pass" : ""}`;
  });
  const commands = [...new Set(dropped.flatMap(({ place, bridge }) => waysOut(place, bridge)))];
  const more =
    commands.length > shown
      ? `, and so on for the other bridges of ${listed(dropped.map(({ network }) => network))}`
      : "";
  const again = isPassing(manager) ? "; do so again when its rules were loaded anew" : "";
  return {
    code: "others-firewall",
    severity: "warning",
    title: `${managerWords[manager]} drops traffic of ${listed(dropped.map(({ network }) => network))}`,
    detail: detail.join("\n"),
    advice: `run ${commands
      .slice(0, shown)
      .map((command) => `\`${command}\``)
      .join(", ")}${more}${again}`,
  };
}

const listed = (names: readonly string[]): string => {
  const distinct = [...new Set(names)];
  return `${distinct.length === 1 ? "network" : "networks"} ${distinct.join(", ")}`;
};
