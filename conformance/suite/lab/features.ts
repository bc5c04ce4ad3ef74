/** What this machine can do, tried once on a host of the suite's own. */
import { Host } from "./host.ts";

const probes = {
  ipv6: "test -e /proc/sys/net/ipv6",
  bridge: "ip link add cnf-probe type bridge",
  dummy: "ip link add cnf-probe type dummy",
  macvlan: "ip link add pa type veth peer name pb; ip link add link pa name cnf-probe type macvlan",
  ipvlan: "ip link add pa type veth peer name pb; ip link add link pa name cnf-probe type ipvlan",
  vlan: "ip link add pa type veth peer name pb; ip link add link pa name cnf-probe type vlan id 5",
  vrf: "ip link add cnf-probe type vrf table 77",
  ifb: "ip link add cnf-probe type ifb",
  shaping:
    "ip link add cnf-probe type veth peer name pb; tc qdisc add dev cnf-probe root tbf rate 1mbit burst 10k latency 25ms",
  "vlan filtering": "ip link add cnf-probe type bridge; ip link set cnf-probe type bridge vlan_filtering 1",
  nft: "nft add table inet cnf-probe; nft delete table inet cnf-probe",
  firewall:
    "iptables -t nat -N CNFPROBE 2>/dev/null && iptables -t nat -X CNFPROBE || { nft add table ip cnf-probe; nft delete table ip cnf-probe; }",
} as const;

/** Something that not every kernel or machine has. */
export type Feature = keyof typeof probes;

/** What is missing here, with the kernel's words; a feature that is not in it is there. */
export async function missingFeatures(): Promise<ReadonlyMap<Feature, string>> {
  const missing = new Map<Feature, string>();
  const host = await Host.open();
  try {
    for (const [feature, script] of Object.entries(probes)) {
      const { status, stderr } = await host.execute(["/bin/sh", "-ec", script]);
      // The keys of `probes` are the features.
      if (status !== 0) missing.set(feature as Feature, stderr.trim().split("\n")[0] ?? "");
      await host.execute(["/bin/sh", "-c", "ip link delete cnf-probe; ip link delete pa"]);
    }
  } finally {
    await host.close();
  }
  return missing;
}
