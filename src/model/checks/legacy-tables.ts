/** Rules of iptables-legacy, which stand beside nftables unseen. */
import type { Check } from "./check.ts";

export const legacyTables: Check = async ({ context }) => {
  const { legacy } = await context.engine.tryPackets({ packets: [], except: [], landmarks: [] });
  if (legacy.length === 0) return [];
  return [
    {
      code: "legacy-tables",
      severity: "info",
      title: "this host has rules of iptables-legacy beside those of nftables",
      detail: `tables ${legacy.map(({ family, name }) => `${family} ${name}`).join(", ")}: a packet passes what both let pass, and \`nft list ruleset\` shows one of them`,
      advice: "`iptables-legacy-save` and `ip6tables-legacy-save` show them",
    },
  ];
};
