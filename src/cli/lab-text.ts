/** What the lab gives back, as text: tables of endpoints and processes, the matrix of who reaches whom. Pure. */
import { subjectOf } from "../lab/differences.ts";
import type { DiffResult, DownResult, LabStatus, UpResult } from "../lab/lab.ts";
import type { Reach } from "../lab/reachability.ts";
import { tableLines } from "./table.ts";

/** A topology after `up`. */
export function upText(
  { status, changes, reachability, mismatches }: UpResult,
  { file, removed }: { readonly file: string; readonly removed: boolean },
): string {
  return paragraphs(
    statusText(status),
    matrixText(reachability),
    mismatches.map(mismatchText).join("\n"),
    changes.length === 0 ? `Topology "${status.name}" was as the file says; nothing was changed.` : "",
    closingText(status, file, removed),
  );
}

/** Where the topology is now, and how to go on: the last line. */
function closingText({ name, isolated }: LabStatus, file: string, removed: boolean): string {
  const where = isolated
    ? "in a host of its own: the machine's own network was not touched"
    : "on this machine's own network";
  if (removed) return `Topology "${name}" was up ${where}. It is down again.`;
  return `Topology "${name}" is up ${where}. Take it down with: portolan down ${file}`;
}

/** A topology as it is now: what is where. */
export function statusText(status: LabStatus): string {
  const dead = status.daemon?.running === false;
  return paragraphs(
    dead ? `The host of topology "${status.name}" is gone; \`portolan down ${status.name}\` removes what is left.` : "",
    status.networks.length === 0 ? "" : networkTable(status),
    status.sandboxes.length === 0 ? "" : endpointTable(status),
    status.processes.length === 0 ? "" : processTable(status),
  );
}

function networkTable({ networks }: LabStatus): string {
  return table(
    ["NETWORK", "DRIVER", "SUBNETS", "GATEWAYS", "INTERNAL"],
    networks.map(({ name, driver, ipam, internal }) => [
      name,
      driver,
      ipam.pools.map(({ subnet }) => subnet).join(", "),
      ipam.pools.flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway])).join(", "),
      internal ? "yes" : "no",
    ]),
  );
}

/** One line an endpoint; a sandbox without any has a line, too. */
function endpointTable({ sandboxes }: LabStatus): string {
  return table(
    ["SANDBOX", "NETWORK", "INTERFACE", "IPV4", "IPV6", "MAC", "LISTENING"],
    sandboxes.flatMap(({ name, endpoints, listening }) => {
      const ports = listening.join(", ");
      if (endpoints.length === 0) return [[name, "", "", "", "", "", ports]];
      return endpoints.map(({ network, interfaceName, ipv4, ipv6, mac }) => [
        name,
        network.name,
        interfaceName ?? "",
        ipv4 ?? "",
        ipv6 ?? "",
        mac ?? "",
        ports,
      ]);
    }),
  );
}

function processTable({ processes }: LabStatus): string {
  return table(
    ["PROCESS", "SANDBOX", "STATE", "COMMAND"],
    processes.map(({ pid, sandbox, running, command }) => [
      String(pid),
      sandbox,
      running ? "running" : "ended",
      command.join(" "),
    ]),
  );
}

/** Who reaches whom: a row for each sandbox that asks, a column for each that is asked, in the same order. `!` marks what is not as expected. */
export function matrixText(reachability: readonly Reach[]): string {
  if (reachability.length === 0) return "";
  const from = [...new Set(reachability.map((reach) => reach.from))];
  const asked = new Set(reachability.map((reach) => reach.to));
  const to = [...new Set([...from, ...asked])].filter((name) => asked.has(name));
  return table(
    ["FROM \\ TO", ...to],
    from.map((source) => [
      source,
      ...to.map((target) => {
        const reach = reachability.find((candidate) => candidate.from === source && candidate.to === target);
        return reach === undefined ? "-" : reachText(reach);
      }),
    ]),
  );
}

/** `yes (4 6)`: by which families; `no`; `partly (4)`; with `!` where it is not expected. */
function reachText({ measured, expected, ipv4, ipv6 }: Reach): string {
  const families = [ipv4 && "4", ipv6 && "6"].filter((family) => typeof family === "string");
  const text = families.length === 0 ? measured : `${measured} (IPv${families.join(", IPv")})`;
  return expected !== undefined && expected !== measured ? `${text} !` : text;
}

function mismatchText({ from, to, measured, expected, attempts }: Reach): string {
  const tried = attempts.map(({ address, port, outcome }) => {
    const host = address.includes(":") ? `[${address}]` : address;
    return `  ${host}:${port}: ${outcome}`;
  });
  return [`Not as expected: ${from} reaches ${to}: ${measured}, expected ${expected}`, ...tried].join("\n");
}

/** What `up` would change. */
export function diffText({ name, differences }: DiffResult): string {
  if (differences.length === 0) return `Topology "${name}" is as the file says.`;
  return table(
    ["STEP", "SUBJECT", "REASON"],
    differences.map((difference) => [difference.step.replaceAll("-", " "), subjectOf(difference), difference.reason]),
  );
}

/** What `down` took away. */
export function downText({ name, isolated, networks, sandboxes, processes }: DownResult): string {
  return `Topology "${name}" is down: ${countsText(sandboxes, networks, processes, isolated)} went.`;
}

/** What `down` would take away. */
export function leavingText({ name, isolated, networks, sandboxes, processes }: LabStatus): string {
  const running = processes.filter((process) => process.running);
  return `Topology "${name}" is up: ${countsText(sandboxes, networks, running, isolated)} would go.`;
}

function countsText(
  sandboxes: readonly unknown[],
  networks: readonly unknown[],
  processes: readonly unknown[],
  isolated: boolean,
): string {
  const counts = [
    counted(sandboxes.length, "sandbox", "sandboxes"),
    counted(networks.length, "network", "networks"),
    counted(processes.length, "process", "processes"),
  ];
  return `${counts.join(", ")}${isolated ? " and its host" : ""}`;
}

const counted = (count: number, single: string, several: string): string =>
  `${count} ${count === 1 ? single : several}`;

/** Topologies that are up, one a line. */
export function labsText(statuses: readonly LabStatus[]): string {
  return table(
    ["TOPOLOGY", "HOST", "SANDBOXES", "NETWORKS", "PROCESSES", "FILE"],
    statuses.map(({ name, daemon, isolated, sandboxes, networks, processes, file }) => [
      name,
      isolated ? (daemon?.running ? `isolated (${daemon.pid})` : "gone") : "machine",
      String(sandboxes.length),
      String(networks.length),
      String(processes.filter(({ running }) => running).length),
      file,
    ]),
  );
}

const table = (headings: readonly string[], rows: readonly (readonly string[])[]): string =>
  tableLines(headings, rows).join("\n");

const paragraphs = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("\n\n");
