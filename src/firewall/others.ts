/** Firewalls of others on the same host: whose a chain is, and how traffic of our bridges is let through it. */
import type { ChainPlace } from "../state/engine.ts";
import { anchorTable } from "./anchor.ts";
import { table } from "./building.ts";

/** Who writes rules. `iptables` and `nft`: somebody, by that tool. */
export type Manager = "docker" | "ufw" | "firewalld" | "iptables" | "nft";

/** Chains that tell whose a table is. */
export const landmarks = ["DOCKER-USER", "ufw-user-forward", "ufw6-user-forward"] as const;

/** Tables of the engine's own. */
export const ownTables: readonly string[] = [table.name, anchorTable.name];

/** Names that the iptables tools give to tables and base chains. */
const iptablesTables = new Set(["filter", "nat", "mangle", "raw", "security"]);
const iptablesChains = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

/** Who has made a base chain. Docker's way out goes first: both have their rules in one chain, and Docker's administrator is asked before. */
export function managerOf({ family, table: name, chain, legacy, landmarks: found }: ChainPlace): Manager {
  if (found.includes("DOCKER-USER")) return "docker";
  if (found.length > 0) return "ufw";
  if (name === "firewalld") return "firewalld";
  const byIptables = family !== "inet" && iptablesTables.has(name) && iptablesChains.has(chain);
  return legacy || byIptables ? "iptables" : "nft";
}

/** A manager in words, at the beginning of a sentence. */
export const managerWords: Readonly<Record<Manager, string>> = {
  docker: "Docker's firewall",
  ufw: "ufw",
  firewalld: "firewalld",
  iptables: "a firewall by iptables",
  nft: "a firewall by nft",
};

/** A base chain in words. */
export const chainWords = ({ family, table: name, chain, legacy }: ChainPlace): string =>
  `chain ${chain} of table ${family} ${name}${legacy ? " of iptables-legacy" : ""}`;

/** Commands that let everything pass a base chain that comes from a bridge or goes to it: what may pass there our own table decides. */
export function waysOut(place: ChainPlace, bridge: string): readonly string[] {
  const { family, table: name, chain, legacy } = place;
  const iptables = `${family === "ip6" ? "ip6tables" : "iptables"}${legacy ? "-legacy" : ""}`;
  switch (managerOf(place)) {
    case "docker":
      return ["-i", "-o"].map((side) => `${iptables} -I DOCKER-USER ${side} ${bridge} -j ACCEPT`);
    case "ufw":
      return ["in", "out"].map((side) => `ufw route allow ${side} on ${bridge}`);
    case "firewalld":
      return ["", "--permanent "].map((kept) => `firewall-cmd ${kept}--zone=trusted --add-interface=${bridge}`);
    case "iptables":
      return ["-i", "-o"].map((side) => `${iptables} -I ${chain} ${side} ${bridge} -j ACCEPT`);
    case "nft":
      return ["iifname", "oifname"].map(
        (side) => `nft insert rule ${family} ${name} ${chain} ${side} ${bridge} accept`,
      );
  }
}

/** Whether a command's effect ends with the machine, or when its rules are loaded again. */
export const isPassing = (manager: Manager): boolean => manager !== "ufw" && manager !== "firewalld";
