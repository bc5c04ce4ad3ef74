/**
 * A host of the test's own: the test's process moves into a new network and mount namespace, so that nothing it does reaches the machine's
 * links, routes, firewall, sysctls or /run, and the kernel takes all of it away when the process ends.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KernelError } from "../../src/kernel/kernel.ts";
import { mount, mountFlag, namespaceFlag, unshare } from "../../src/kernel/syscalls.ts";

let entered = false;

/**
 * Makes the process a private host: own network and mount namespace, empty /run, its own /sys and /etc, loopback up. Call it first in a test file: threads
 * started later are in the same host, those started before are not (file access of Node's thread pool sees the machine's mounts, so
 * what must be private uses synchronous calls).
 */
export function enterTestHost(): void {
  if (entered) return;
  if (process.getuid?.() !== 0) throw new Error("tests of the kernel need root");
  unshare(namespaceFlag.network | namespaceFlag.mount);
  mount("none", "/", "none", mountFlag.recursive | mountFlag.private);
  mount("tmpfs", "/run", "tmpfs", 0);
  mount("sysfs", "/sys", "sysfs", 0);
  ownEtc();
  entered = true;
  run("ip link set lo up");
}

/** What is written to /etc (/etc/netns) is the host's own. Where two overlays lie there already the kernel lays no third one over them: then /etc/netns alone. */
function ownEtc(): void {
  mkdirSync("/run/.etc/upper", { recursive: true });
  mkdirSync("/run/.etc/work");
  try {
    mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work");
  } catch (error) {
    if (!(error instanceof KernelError) || error.refusal.code !== "EINVAL") throw error;
    mkdirSync("/etc/netns", { recursive: true });
    mount("tmpfs", "/etc/netns", "tmpfs", 0);
  }
}

/** Runs a command line (split at spaces) in the private host and returns what it prints. */
export function run(line: string): string {
  return exec(...line.split(" "));
}

/** Runs a command with arguments in the private host and returns what it prints. */
export function exec(...command: readonly string[]): string {
  if (!entered) throw new Error("enterTestHost() comes first");
  const [program = "", ...args] = command;
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Why tests that compare with a program cannot run; false where it is installed. */
export function missing(program: string): string | false {
  try {
    execFileSync("which", [program], { stdio: "ignore" });
    return false;
  } catch {
    return `${program} is not installed`;
  }
}

/** An empty directory for a test, removed when disposed of. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "portolan-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A host's network state, comparable: what `ip` and `nft` list, and every sysctl under net. */
export interface HostSnapshot {
  readonly links: unknown;
  readonly addresses: unknown;
  readonly routes: unknown;
  readonly rules: unknown;
  readonly neighbours: unknown;
  readonly ruleset: string;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly namespaces: readonly string[];
}

/** Fields that tell of time, traffic or the order of creation rather than of configuration. */
const volatile = new Set([
  "ifindex",
  "link_index",
  "link_netnsid",
  "stats",
  "stats64",
  "valid_life_time",
  "preferred_life_time",
  "gc_timer",
  "hello_timer",
  "tcn_timer",
  "topology_change_timer",
  "used",
  "confirmed",
  "updated",
  "probes",
  "state",
  "carrier_changes",
  "bridge_id",
  "root_id",
  "designated_bridge",
  "designated_root",
  "refcnt",
  "timer",
  "forward_delay_timer",
  // A bridge keeps what its ports had taught it.
  "tso_max_size",
  "tso_max_segs",
  "tentative",
  // What the other end of a link is told some time after this one is up.
  "operstate",
]);

/** Flags of links and routes that follow from the same. */
const carrierFlags = new Set(["NO-CARRIER", "LOWER_UP", "linkdown"]);

function stable(value: unknown): unknown {
  if (Array.isArray(value))
    return value
      .filter((flag) => !carrierFlags.has(flag))
      .map(stable)
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !volatile.has(key))
      .map(([key, inner]) => [key, stable(inner)]),
  );
}

/** The state of the private host, or of the namespace at `path`. */
export function snapshot(path?: string): HostSnapshot {
  const inside = path === undefined ? [] : ["nsenter", `--net=${path}`];
  const json = (...args: readonly string[]): unknown =>
    stable(JSON.parse(exec(...inside, "ip", "-j", "-d", ...args) || "[]"));
  return {
    links: json("link"),
    addresses: json("address"),
    routes: [json("-4", "route", "show", "table", "all"), ...routes6(json("-6", "route", "show", "table", "all"))],
    rules: [json("-4", "rule"), json("-6", "rule")],
    neighbours: json("neighbour", "show", "nud", "permanent"),
    ruleset: missing("nft") === false ? lasting(exec(...inside, "nft", "list", "ruleset")) : "",
    sysctls: sysctls(inside),
    namespaces: path === undefined ? boundNamespaces() : [],
  };
}

/** A ruleset without the tables that belong to a process (flags owner), and without what leads to a resolver, of which there may be one or not as processes come and go. */
const lasting = (ruleset: string): string =>
  ruleset.replaceAll(/^table (?:\S+ \S+ \{ # progname |inet portolan-names ).*\n(?:\t.*\n|\n)*\}\n/gm, "");

/**
 * IPv6 routes but those that come and go by themselves some time after a link is up or down: link-local ones when duplicate address detection is through, and the
 * multicast and anycast ones that the kernel makes for every address when it hears of the carrier.
 */
function routes6(routes: unknown): readonly unknown[] {
  if (!Array.isArray(routes)) return [];
  return routes.filter(
    ({ table, dst, type }) =>
      !(table === "local" && (String(dst).startsWith("fe80:") || type === "anycast" || type === "multicast")),
  );
}

/** net.* of a namespace, without what counts or moves by itself. */
function sysctls(inside: readonly string[]): Readonly<Record<string, string>> {
  const listed = exec(...inside, "sh", "-c", "cd /proc/sys/net && grep -r '' . 2>/dev/null || true");
  const found: Record<string, string> = {};
  for (const line of listed.split("\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(2, colon);
    if (colon > 0 && !/nf_conntrack_count|route\/flush|stable_secret|_count$/.test(name))
      found[name] = line.slice(colon + 1);
  }
  return found;
}

/** Namespace files bound below this host's own /run; those of a host around it, which its /run hides, are listed by the kernel as well. */
function boundNamespaces(): readonly string[] {
  const mounts = readFileSync("/proc/thread-self/mountinfo", "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", parent = "", , , path = ""] = line.split(" ");
      return { id, parent, path, isNamespace: line.includes(" - nsfs ") };
    });
  const below = new Set([mounts.findLast(({ path }) => path === "/run")?.id]);
  // A mount is listed after the one that it is mounted on.
  for (const { id, parent } of mounts) if (below.has(parent)) below.add(id);
  return mounts
    .filter(({ id, isNamespace }) => isNamespace && below.has(id))
    .map(({ path }) => path)
    .toSorted();
}
