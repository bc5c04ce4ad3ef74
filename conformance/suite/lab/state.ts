/** A network namespace's state as comparable lines: links, addresses, routes, rules, queues and firewall, without what counts or moves by itself. */

import { canonical } from "../expectation.ts";
import { isObject, type Json } from "../json.ts";
import type { Host } from "./host.ts";

const listing = `ip -d -j link; echo
ip -j address; echo
ip -4 -j route show table all; echo
ip -6 -j route show table all 2>/dev/null || echo '[]'; echo
ip -j rule; echo
ip -6 -j rule 2>/dev/null || echo '[]'; echo
ip -j neighbour show nud permanent; echo
tc -j qdisc 2>/dev/null || echo '[]'; echo
echo ---
nft -s list ruleset 2>/dev/null || true
for family in iptables ip6tables; do command -v $family-legacy-save >/dev/null && [ -s /proc/net/$(echo $family | sed s/tables/_tables/)_names ] && $family-legacy-save | grep -v '^#' | sed 's/\\[[0-9:]*\\]//'; done || true
`;

/** Keys of `ip -j` that tell of time, traffic, carrier or the order of creation rather than of configuration. */
const volatileKey =
  /^(ifindex|link_index|link_netnsid|stats|stats64|valid_life_time|preferred_life_time|.*_timer|used|confirmed|updated|probes|state|carrier.*|bridge_id|root_id|root_port|designated_.*|refcnt|timer|tso_max_.*|gso_.*|gro_.*|tentative|operstate|handle|num_tx_queues|num_rx_queues|dadfailed|topology_change.*|id|config_pending|.*_port$)$/;
const volatileFlag = new Set(["NO-CARRIER", "LOWER_UP", "linkdown"]);

/** Lines of state, sorted; `netns` is a namespace's file, the host itself where left out. */
export async function stateOf(host: Host, netns?: string): Promise<readonly string[]> {
  const { stdout } = await executeIn(host, netns);
  const [json = "", ruleset = ""] = stdout.split("---\n");
  const kinds = ["link", "address", "route", "route", "rule", "rule", "neighbour", "queue"];
  const objects = json
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line, kind) => (JSON.parse(line) as readonly Json[]).map((item) => ({ kind: kinds[kind] ?? "", item })))
    .filter(({ kind, item }) => !comesByItself(kind, item))
    .map(({ kind, item }) => `${kind} ${canonical(lasting(item))}`);
  return [...objects, ...rulesOf(ruleset)].toSorted();
}

const executeIn = (host: Host, netns: string | undefined) =>
  netns === undefined
    ? host.execute(["/bin/sh", "-c", listing])
    : host.execute(["/usr/bin/nsenter", `--net=${netns}`, "/bin/sh", "-c", listing]);

/** Routes that the kernel makes some time after a link is up: those of link-local addresses, multicast and anycast; and the default queues of links. */
function comesByItself(kind: string, item: Json): boolean {
  if (!isObject(item)) return false;
  const { dst, table, type, kind: queue, scope } = item;
  if (kind === "queue") return queue === "noqueue" || queue === "mq" || queue === "pfifo_fast" || queue === "fq_codel";
  if (kind !== "route") return false;
  if (typeof dst === "string" && /^(fe80|ff00)/.test(dst)) return true;
  return (table === "local" && (type === "anycast" || type === "multicast")) || scope === "nowhere";
}

function lasting(value: Json): Json {
  if (Array.isArray(value)) return value.filter((item) => !volatileFlag.has(String(item))).map(lasting);
  if (!isObject(value)) return value;
  if (value["family"] === "inet6" && value["scope"] === "link") return "link-local address";
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !volatileKey.test(key))
      .map(([key, inner]) => [key, key === "addr_info" ? linkLocalLess(lasting(inner)) : lasting(inner)]),
  );
}

const linkLocalLess = (addresses: Json): Json =>
  Array.isArray(addresses) ? addresses.filter((address) => address !== "link-local address") : addresses;

/** A ruleset's lines, each with the table and chain it stands in. */
function rulesOf(ruleset: string): readonly string[] {
  const path: string[] = [];
  const lines: string[] = [];
  for (const line of ruleset.split("\n").map((raw) => raw.trim())) {
    if (line === "}") path.pop();
    else if (line.endsWith("{") && !line.startsWith("elements")) {
      path.push(line.slice(0, -1).trim());
      // A table without chains decides nothing: iptables makes one by looking.
      if (path.length > 1) lines.push(`firewall ${path.join(" > ")}`);
    } else if (line !== "") lines.push(`firewall ${path.join(" > ")} > ${line}`);
  }
  return lines;
}

/** What is in one state and not in the other: "+ line" for what came, "- line" for what went. */
export function difference(before: readonly string[], after: readonly string[]): readonly string[] {
  const came = without(after, before).map((line) => `+ ${line}`);
  return [...came, ...without(before, after).map((line) => `- ${line}`)];
}

function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
