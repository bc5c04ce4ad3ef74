/**
 * Ports of bridges behind which a container is that sends under its own MAC address alone. One table `bridge portolan`, whose only rule drops every other frame as it comes
 * in, to whomever: what varies is an element of a set. It comes with the first such port and goes with the last.
 */
import type { MacAddress } from "../address/mac.ts";
import { nftElement } from "../state/nft/elements.ts";
import { concat, etherSaddr, iifname } from "../state/nft/selectors.ts";
import { drop, lookup } from "../state/nft/statements.ts";
import type { KernelObject } from "../state/objects.ts";
import { bridgeTable, chain, priority, rules, set } from "./building.ts";

/** Links of the host that are looked at. */
const guarded = set("guarded", { key: ["ifname"] }, bridgeTable);
/** Each with the address of who is behind it. */
const senders = set("senders", { key: ["ifname", "ether_addr"] }, bridgeTable);

const prerouting = chain(
  "prerouting",
  { type: "filter", hook: "prerouting", priority: priority.raw, policy: "accept" },
  bridgeTable,
);

const base: readonly KernelObject[] = [
  bridgeTable,
  guarded,
  senders,
  prerouting,
  ...rules(prerouting, {
    "under another's address": [
      lookup(iifname(), "@guarded"),
      lookup(concat(iifname(), etherSaddr()), "@senders", "!="),
      drop(),
    ],
  }),
];

/** Drops what comes in by a bridge's port from another address than this one. */
export const describeSender = (port: string, mac: MacAddress): readonly KernelObject[] => [
  ...base,
  nftElement(guarded, [port]),
  nftElement(senders, [port, mac]),
];
