/**
 * Compares a topology with what exists, and says in order what has to happen. Pure; only what the file states is compared, so a subnet that
 * IPAM chose is as good as any.
 */
import { isDeepStrictEqual } from "node:util";
import { cidrFamily, interfaceAddress, lengthOf, type Subnet } from "../address/cidr.ts";
import { parsePort, portMapOption, portText } from "../address/port.ts";
import { routeText } from "../address/static-route.ts";
import type { EndpointInfo, NetworkInfo, SandboxInfo } from "../model/types.ts";
import type { ProcessRecord } from "./process.ts";
import type { Attachment, ProcessSpec, Topology, TopologyNetwork, TopologySandbox } from "./topology.ts";

/** The label that says which topology a network or sandbox belongs to. */
export const topologyLabel = "portolan.topology";

/** What there is of a topology. */
export interface Existing {
  readonly networks: readonly NetworkInfo[];
  readonly sandboxes: readonly SandboxInfo[];
  readonly processes: readonly (ProcessRecord & { readonly running: boolean })[];
}

/** One step from what exists to what the file says, and why. */
export type Difference = { readonly reason: string } & (
  | { readonly step: "stop"; readonly process: ProcessRecord }
  | { readonly step: "disconnect"; readonly endpoint: EndpointInfo; readonly sandbox: string }
  | { readonly step: "delete-sandbox"; readonly sandbox: SandboxInfo }
  | { readonly step: "delete-network"; readonly network: NetworkInfo }
  | { readonly step: "create-network"; readonly network: TopologyNetwork }
  | { readonly step: "create-sandbox"; readonly sandbox: TopologySandbox }
  | { readonly step: "connect"; readonly sandbox: string; readonly attachment: Attachment }
  | { readonly step: "start"; readonly sandbox: string; readonly index: number; readonly process: ProcessSpec }
);

/** What a difference is about, in words: `network "front"`. */
export function subjectOf(difference: Difference): string {
  switch (difference.step) {
    case "stop":
      return `process ${difference.process.pid} of sandbox "${difference.process.sandbox}"`;
    case "start":
      return `process ${difference.index + 1} of sandbox "${difference.sandbox}"`;
    case "disconnect":
      return `sandbox "${difference.sandbox}" and network "${difference.endpoint.network.name}"`;
    case "connect":
      return `sandbox "${difference.sandbox}" and network "${difference.attachment.network}"`;
    case "delete-sandbox":
    case "create-sandbox":
      return `sandbox "${difference.sandbox.name}"`;
    case "delete-network":
    case "create-network":
      return `network "${difference.network.name}"`;
  }
}

const notInFile = "it is not in the file";
const missing = "it does not exist";

/** The steps from what exists to the topology, in an order that works; none where they agree. */
export function differences(topology: Topology, existing: Existing): readonly Difference[] {
  const networks = compareNetworks(topology, existing);
  const sandboxes = compareSandboxes(topology, existing);
  const leaving = existing.sandboxes.flatMap((sandbox) => leavingEndpoints(topology, sandbox, networks, sandboxes));
  const leftEndpoints = new Set(leaving.map(({ endpoint }) => endpoint.id));

  const steps: Difference[] = [...stoppingProcesses(topology, existing, sandboxes)];
  const stopped = new Set(steps.flatMap((step) => (step.step === "stop" ? [step.process] : [])));
  steps.push(...leaving);
  for (const { info, reason } of sandboxes.going) steps.push({ step: "delete-sandbox", sandbox: info, reason });
  for (const { info, reason } of networks.going) steps.push({ step: "delete-network", network: info, reason });
  for (const { spec, reason } of networks.coming) steps.push({ step: "create-network", network: spec, reason });
  for (const { spec, reason } of sandboxes.coming) steps.push({ step: "create-sandbox", sandbox: spec, reason });
  for (const spec of topology.sandboxes) {
    const info = existing.sandboxes.find(({ name }) => name === spec.name);
    const reasonOf = (network: string): string =>
      leaving.find(({ sandbox, endpoint }) => sandbox === spec.name && endpoint.network.name === network)?.reason ??
      missing;
    for (const attachment of spec.attachments) {
      const stays = info?.endpoints.some(
        ({ id, network }) => network.name === attachment.network && !leftEndpoints.has(id),
      );
      if (stays) continue;
      steps.push({ step: "connect", sandbox: spec.name, attachment, reason: reasonOf(attachment.network) });
    }
  }
  for (const spec of topology.sandboxes) {
    for (const [index, process] of spec.processes.entries()) {
      const record = existing.processes.find((other) => other.sandbox === spec.name && other.index === index);
      if (record?.running && !stopped.has(record)) continue;
      const reason =
        record === undefined ? "it was never started" : record.running ? "it is started again" : "it has ended";
      steps.push({ step: "start", sandbox: spec.name, index, process, reason });
    }
  }
  return steps;
}

interface Compared<Spec, Info> {
  readonly going: readonly { readonly info: Info; readonly reason: string }[];
  readonly coming: readonly { readonly spec: Spec; readonly reason: string }[];
}

function compared<Spec extends { readonly name: string }, Info extends { readonly name: string }>(
  specs: readonly Spec[],
  infos: readonly Info[],
  changeOf: (spec: Spec, info: Info) => string | undefined,
): Compared<Spec, Info> {
  const going = infos.flatMap((info) => {
    const spec = specs.find(({ name }) => name === info.name);
    const reason = spec === undefined ? notInFile : changeOf(spec, info);
    return reason === undefined ? [] : [{ info, reason }];
  });
  const coming = specs.flatMap((spec) => {
    const replaced = going.find(({ info }) => info.name === spec.name);
    if (replaced) return [{ spec, reason: replaced.reason }];
    return infos.some(({ name }) => name === spec.name) ? [] : [{ spec, reason: missing }];
  });
  return { going, coming };
}

const compareNetworks = (topology: Topology, existing: Existing): Compared<TopologyNetwork, NetworkInfo> =>
  compared(topology.networks, existing.networks, networkChange);

const compareSandboxes = (topology: Topology, existing: Existing): Compared<TopologySandbox, SandboxInfo> =>
  compared(topology.sandboxes, existing.sandboxes, (spec, info) => {
    if (info.hostname !== spec.hostname) return `its hostname is ${info.hostname ?? "not set"}`;
    for (const [key, asked] of Object.entries(spec.naming)) {
      // The parts of a sandbox's naming have the same names in its info.
      if (!isDeepStrictEqual(asked, info[key as keyof TopologySandbox["naming"]])) return "it resolves names otherwise";
    }
    return sameTexts(spec.labels, ownLabels(info.labels)) ? undefined : "its labels differ";
  });

/** Labels but the lab's own. */
function ownLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [topologyLabel]: _, ...rest } = labels;
  return rest;
}

function sameTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Why a network must be made anew; undefined where it is as the file says. */
function networkChange(spec: TopologyNetwork, info: NetworkInfo): string | undefined {
  if (spec.driver !== info.driver) return `its driver is ${info.driver}`;
  if (spec.internal !== info.internal) return info.internal ? "it is internal" : "it is not internal";
  // What has no addresses of its own, as a cni network, says nothing of families.
  const addressed = info.ipam.driver !== "null" || info.enableIpv4 || info.enableIpv6;
  if (addressed && spec.ipv4 !== info.enableIpv4) return `IPv4 is ${info.enableIpv4 ? "on" : "off"}`;
  if (addressed && spec.ipv6 !== info.enableIpv6) return `IPv6 is ${info.enableIpv6 ? "on" : "off"}`;
  const there = info.ipam.pools.map((pool) => pool.subnet);
  const lacking = spec.subnets.find((subnet) => !there.includes(subnet));
  if (lacking !== undefined) return `its subnet is ${subnetOfFamily(there, cidrFamily(lacking)) ?? "another"}`;
  if (!sameTexts(spec.options, info.options)) return "its options differ";
  return sameTexts(spec.labels, ownLabels(info.labels)) ? undefined : "its labels differ";
}

const subnetOfFamily = (subnets: readonly Subnet[], family: 4 | 6): Subnet | undefined =>
  subnets.find((subnet) => cidrFamily(subnet) === family);

type Leaving = Extract<Difference, { readonly step: "disconnect" }>;

function leavingEndpoints(
  topology: Topology,
  sandbox: SandboxInfo,
  networks: Compared<TopologyNetwork, NetworkInfo>,
  sandboxes: Compared<TopologySandbox, SandboxInfo>,
): readonly Leaving[] {
  const spec = topology.sandboxes.find(({ name }) => name === sandbox.name);
  const sandboxGoes = sandboxes.going.find(({ info }) => info.id === sandbox.id);
  return sandbox.endpoints.flatMap((endpoint) => {
    const networkGoes = networks.going.find(({ info }) => info.id === endpoint.network.id);
    const attachment = spec?.attachments.find(({ network }) => network === endpoint.network.name);
    const change = attachment === undefined ? notInFile : attachmentChange(attachment, endpoint);
    const reason = sandboxGoes ? "its sandbox goes" : networkGoes ? "its network goes" : change;
    return reason === undefined ? [] : [{ step: "disconnect" as const, endpoint, sandbox: sandbox.name, reason }];
  });
}

/** Why an endpoint must be made anew; undefined where it is as the file says. */
function attachmentChange(wanted: Attachment, endpoint: EndpointInfo): string | undefined {
  for (const family of ["ipv4", "ipv6"] as const) {
    const [address, there] = [wanted[family], endpoint[family]];
    if (address === undefined) continue;
    if (there === undefined || there !== interfaceAddress(address, lengthOf(there)))
      return `its address is ${there ?? "not set"}`;
  }
  if (wanted.mac !== undefined && wanted.mac !== endpoint.mac) return `its MAC address is ${endpoint.mac}`;
  if (wanted.interfaceName !== undefined && wanted.interfaceName !== endpoint.interfaceName) {
    return `its interface is ${endpoint.interfaceName}`;
  }
  if (wanted.priority !== (endpoint.gatewayPriority ?? 0)) return `its priority is ${endpoint.gatewayPriority ?? 0}`;
  if (!sameItems(wanted.linkLocal, endpoint.linkLocal)) return "its link-local addresses differ";
  if (!sameItems(wanted.routes.map(routeText), endpoint.routes.map(routeText))) return "its static routes differ";
  if (!sameItems(wanted.aliases, endpoint.aliases)) return "its aliases differ";
  if (!sameTexts(wanted.options, endpoint.options)) return "its options differ";
  const mapped = wanted.options[portMapOption]?.split(",").map((text) => text.trim()) ?? [];
  const publish = [...wanted.publish, ...mapped].map((text) => portText(parsePort(text)));
  return isDeepStrictEqual(publish, endpoint.publish) ? undefined : "its published ports differ";
}

/** Whether two lists have the same members, in any order. */
const sameItems = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item) => b.includes(item));

function stoppingProcesses(
  topology: Topology,
  existing: Existing,
  sandboxes: Compared<TopologySandbox, SandboxInfo>,
): readonly Difference[] {
  return existing.processes.flatMap((record) => {
    if (!record.running) return [];
    const wanted = topology.sandboxes.find(({ name }) => name === record.sandbox)?.processes[record.index];
    const sandboxThere = existing.sandboxes.some(({ name }) => name === record.sandbox);
    const sandboxGoes = !sandboxThere || sandboxes.going.some(({ info }) => info.name === record.sandbox);
    const reason = sandboxGoes
      ? "its sandbox goes"
      : wanted === undefined
        ? notInFile
        : processChange(wanted, record.spec);
    return reason === undefined ? [] : [{ step: "stop" as const, process: record, reason }];
  });
}

function processChange(wanted: ProcessSpec, there: ProcessSpec): string | undefined {
  if (JSON.stringify(wanted.command) !== JSON.stringify(there.command)) return "its command differs";
  if (!sameTexts(wanted.env, there.env)) return "its environment differs";
  return wanted.cwd === there.cwd ? undefined : "its directory differs";
}
