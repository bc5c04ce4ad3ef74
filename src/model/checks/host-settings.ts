/** Settings of the host that keep packets from networks. */
import type { Family } from "../../address/ip.ts";
import type { Context } from "../context.ts";
import type { Problem } from "../types.ts";
import type { Check } from "./check.ts";

/** The sysctl by which the host forwards packets of a family. */
const forwarding = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;

export const hostSettings: Check = async ({ context }) => [
  ...(await notForwarding(context)),
  ...(await strictReversePath(context)),
];

async function notForwarding({ engine, ledger }: Context): Promise<readonly Problem[]> {
  const families = ([4, 6] as const).filter((family) =>
    ledger.wants({ kind: "sysctl", namespace: "host", name: forwarding[family], value: "1" }),
  );
  const values = await engine.readSysctls(
    "host",
    families.map((family) => forwarding[family]),
  );
  return families.filter((_, at) => values[at] === "0").map(forwardingProblem);
}

function forwardingProblem(family: Family): Problem {
  const dotted = forwarding[family].replaceAll("/", ".");
  return {
    code: "forwarding-off",
    severity: "error",
    title: `the host forwards no IPv${family} packets: somebody switched ${dotted} off`,
    detail: "containers reach nobody outside their network, and nobody reaches a published port",
    advice: `run \`sysctl -w ${dotted}=1\`, and have nothing in /etc/sysctl.conf and /etc/sysctl.d switch it off again`,
  };
}

/** The host's answer to where a packet may come from: 1 is strict (ip-sysctl, rp_filter). */
const reversePath = (link: string): string => `net/ipv4/conf/${link}/rp_filter`;

/** With two ways out, a packet that comes in by one and would be answered by the other is dropped before any rule sees it. */
async function strictReversePath({ engine, records }: Context): Promise<readonly Problem[]> {
  if (![...records.endpoints.values()].some(({ ports = [] }) => ports.length > 0)) return [];
  const { uplinks } = await engine.tryPackets({ packets: [], except: [], landmarks: [] });
  const links = uplinks[4];
  if (links.length < 2) return [];
  const [all, ...own] = (await engine.readSysctls("host", ["all", ...links].map(reversePath))).map(Number);
  // The kernel goes by the greater of the two.
  const strict = links.filter((_, at) => Math.max(all ?? 0, own[at] ?? 0) === 1);
  if (strict.length === 0) return [];
  return [
    {
      code: "strict-reverse-path",
      severity: "info",
      title: `what comes to a published port over ${strict.join(" or ")} may be dropped: its reverse path is checked strictly`,
      detail: `the host has default routes over ${links.join(" and ")}, and answers by the better one alone`,
      advice: "run `sysctl -w net.ipv4.conf.all.rp_filter=2` where clients come over both",
    },
  ];
}
