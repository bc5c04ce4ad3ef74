/** From a topology file to a {@link Topology}: every key is known, every name is declared, every address is one. */
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { cidrFamily, contains, parseSubnet } from "../address/cidr.ts";
import { parseExtraHost } from "../address/host-name.ts";
import { familyOf, type IpAddress, parseIp } from "../address/ip.ts";
import { parseLinkLocal } from "../address/link-local.ts";
import { parseMac } from "../address/mac.ts";
import { parsePort } from "../address/port.ts";
import { parseRoute } from "../address/static-route.ts";
import { PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { type Place, readDocument } from "./document.ts";
import type { Attachment, Expectation, ProcessSpec, Topology, TopologyNetwork, TopologySandbox } from "./topology.ts";

/** Largest topology file, bytes. */
const largestFile = 1 << 20;

/** Names of topologies, networks and sandboxes, as docker has them. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

/** Reads a topology file; throws `not-found`, and `invalid-argument` with line and key. */
export function readTopology(file: string): Topology {
  return parseTopology(file, readText(file));
}

function readText(file: string): string {
  try {
    if (statSync(file).size <= largestFile) return readFileSync(file, "utf8");
  } catch (error) {
    throw new PortolanError("not-found", `the topology file ${file} cannot be read`, {
      object: file,
      reason: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
  throw new PortolanError("invalid-argument", `${file} is too large for a topology: at most ${largestFile} bytes`);
}

/** Reads a topology from text; `file` names it in refusals, and gives its name and the directory that processes run in. */
export function parseTopology(file: string, text: string): Topology {
  const root = readDocument(file, text);
  const fields = root.fields(["name", "networks", "sandboxes", "expect"]);
  const name = fields.name?.text() ?? basename(file, extname(file));
  if (!namePattern.test(name)) throw (fields.name ?? root).refusal(badName(name));

  const networks = named(fields.networks).map(([network, place]) => readNetwork(network, place));
  const directory = dirname(resolve(file));
  const sandboxes = named(fields.sandboxes).map(([sandbox, place]) => readSandbox(sandbox, place, networks, directory));
  if (sandboxes.length === 0) {
    throw root.refusal("there are no sandboxes", "add `sandboxes:` with a name and its networks");
  }
  const expectations = fields.expect ? readExpectations(fields.expect, sandboxes) : [];
  return { name, file: resolve(file), networks, sandboxes, expectations };
}

const badName = (name: string): string =>
  `"${name}" is no name: 1 to 63 letters, digits, "_", "." and "-", a letter or digit first`;

/** Entries of a mapping whose keys are names. */
function named(place: Place | undefined): readonly (readonly [string, Place])[] {
  const entries = place?.entries() ?? [];
  for (const [name, entry] of entries) if (!namePattern.test(name)) throw entry.refusal(badName(name));
  return entries;
}

function readNetwork(name: string, place: Place): TopologyNetwork {
  const fields = place.fields(["driver", "subnet", "ipv4", "ipv6", "internal", "options", "labels"]);
  const subnets = fields.subnet?.itemsOrOne().map((item) => item.parsed(parseSubnet)) ?? [];
  const has = (family: 4 | 6): boolean => subnets.some((subnet) => cidrFamily(subnet) === family);
  for (const family of [4, 6] as const) {
    if (subnets.filter((subnet) => cidrFamily(subnet) === family).length > 1) {
      throw (fields.subnet ?? place).refusal(`a network has at most one IPv${family} subnet`);
    }
    const flag = fields[`ipv${family}`];
    if (flag?.flag() === false && has(family)) throw flag.refusal(`IPv${family} is off, but there is a subnet of it`);
  }
  return {
    name,
    driver: fields.driver?.text() ?? "bridge",
    subnets,
    ipv4: fields.ipv4?.flag() ?? true,
    ipv6: fields.ipv6?.flag() ?? has(6),
    internal: fields.internal?.flag() ?? false,
    options: fields.options?.texts() ?? {},
    labels: fields.labels?.texts() ?? {},
  };
}

function readSandbox(
  name: string,
  place: Place,
  networks: readonly TopologyNetwork[],
  directory: string,
): TopologySandbox {
  const fields = place.fields(["networks", "hostname", "labels", "run", "listen", ...namingKeys]);
  const attachments = fields.networks ? readAttachments(fields.networks, networks) : [];
  return {
    name,
    ...(fields.hostname && { hostname: fields.hostname.text() }),
    naming: readNaming(fields),
    labels: fields.labels?.texts() ?? {},
    attachments,
    processes: fields.run?.itemsOrOne().map((item) => readProcess(item, directory)) ?? [],
    listen: fields.listen?.itemsOrOne().map((item) => item.integer(1, 65535)) ?? [],
  };
}

const namingKeys = ["domainname", "dns", "dns-search", "dns-options", "extra-hosts", "links"] as const;

/** How a sandbox resolves names; each entry is checked, and kept as it is written. */
function readNaming(
  fields: { readonly [Key in (typeof namingKeys)[number]]?: Place | undefined },
): TopologySandbox["naming"] {
  const texts = (place: Place | undefined): readonly string[] => place?.itemsOrOne().map((item) => item.text()) ?? [];
  const checked = (place: Place | undefined, parse: (text: string) => unknown): readonly string[] =>
    place?.itemsOrOne().map((item) =>
      item.parsed((text) => {
        parse(text);
        return text;
      }),
    ) ?? [];
  return {
    ...(fields.domainname && { domainname: fields.domainname.text() }),
    nameservers: checked(fields.dns, parseIp),
    searchDomains: texts(fields["dns-search"]),
    resolverOptions: texts(fields["dns-options"]),
    extraHosts: checked(fields["extra-hosts"], parseExtraHost),
    links: texts(fields.links),
  };
}

/** A name, a list of names, or a mapping of names to settings. */
function readAttachments(place: Place, networks: readonly TopologyNetwork[]): readonly Attachment[] {
  const entries = place.isMapping ? place.entries() : place.itemsOrOne().map((item) => [item.text(), item] as const);
  const seen = new Set<string>();
  return entries.map(([name, entry]) => {
    const network = networks.find((candidate) => candidate.name === name);
    if (network === undefined) {
      const near = nearest(
        name,
        networks.map((candidate) => candidate.name),
      );
      throw entry.refusal(
        `there is no network "${name}" in this file`,
        near === undefined
          ? "add it under `networks:`"
          : `did you mean "${near}"? Networks are declared under \`networks:\``,
      );
    }
    if (seen.has(name)) throw entry.refusal(`network "${name}" is named twice`);
    seen.add(name);
    return readAttachment(place.isMapping ? entry : undefined, network);
  });
}

const attachmentKeys = [
  "ipv4",
  "ipv6",
  "mac",
  "interface",
  "link-local",
  "routes",
  "aliases",
  "publish",
  "priority",
  "options",
] as const;

function readAttachment(place: Place | undefined, network: TopologyNetwork): Attachment {
  const fields = place?.fields(attachmentKeys) ?? {};
  const ipv4 = fields.ipv4 && readAddress(fields.ipv4, 4, network);
  const ipv6 = fields.ipv6 && readAddress(fields.ipv6, 6, network);
  return {
    network: network.name,
    ...(ipv4 && { ipv4 }),
    ...(ipv6 && { ipv6 }),
    ...(fields.mac && { mac: fields.mac.parsed(parseMac) }),
    ...(fields.interface && { interfaceName: fields.interface.text() }),
    linkLocal: fields["link-local"]?.itemsOrOne().map((item) => item.parsed(parseLinkLocal)) ?? [],
    routes: fields.routes?.itemsOrOne().map((item) => item.parsed(parseRoute)) ?? [],
    aliases: fields.aliases?.itemsOrOne().map((item) => item.text()) ?? [],
    publish: fields.publish?.itemsOrOne().map(readPort) ?? [],
    priority: fields.priority?.integer(-(2 ** 31), 2 ** 31 - 1) ?? 0,
    options: fields.options?.texts() ?? {},
  };
}

/** A published port, checked. */
function readPort(place: Place): string {
  return place.parsed((text) => {
    parsePort(text);
    return text;
  });
}

function readAddress(place: Place, family: 4 | 6, network: TopologyNetwork): IpAddress {
  const address = place.parsed(parseIp);
  if (familyOf(address) !== family) throw place.refusal(`${address} is no IPv${family} address`);
  const subnet = network.subnets.find((candidate) => cidrFamily(candidate) === family);
  if (subnet === undefined) {
    throw place.refusal(
      `network "${network.name}" has no IPv${family} subnet in this file`,
      "addresses can be chosen only where the subnet is: give the network a `subnet:`",
    );
  }
  if (!contains(subnet, address)) throw place.refusal(`${address} lies outside ${subnet}`);
  return address;
}

/** Text is for the shell; a list of words is program and arguments. */
function readProcess(place: Place, directory: string): ProcessSpec {
  if (!place.isMapping) return { command: ["/bin/sh", "-c", place.text()], env: {}, cwd: directory };
  const fields = place.fields(["command", "env", "cwd"]);
  const { command } = fields;
  if (command === undefined) throw place.refusal("`command` is missing", "give text for the shell, or a list of words");
  const words = command.isList ? command.items().map((item) => item.text()) : ["/bin/sh", "-c", command.text()];
  if (words.length === 0) throw command.refusal("a command needs a program");
  return {
    command: words,
    env: fields.env?.texts() ?? {},
    cwd: fields.cwd ? resolve(directory, fields.cwd.text()) : directory,
  };
}

/** A mapping from a sandbox to a mapping from another one to yes or no. */
function readExpectations(place: Place, sandboxes: readonly TopologySandbox[]): readonly Expectation[] {
  const find = (name: string, at: Place): TopologySandbox => {
    const sandbox = sandboxes.find((candidate) => candidate.name === name);
    if (sandbox) return sandbox;
    const near = nearest(
      name,
      sandboxes.map((candidate) => candidate.name),
    );
    throw at.refusal(`there is no sandbox "${name}" in this file`, `did you mean "${near}"?`);
  };
  return place.entries().flatMap(([from, targets]) => {
    find(from, targets);
    return targets.entries().map(([to, verdict]) => {
      if (find(to, verdict).listen.length === 0) {
        throw verdict.refusal(`sandbox "${to}" listens on no port`, "give it `listen:`, or leave the expectation out");
      }
      if (from === to) throw verdict.refusal("a sandbox is not measured against itself");
      return { from, to, reachable: verdict.flag() };
    });
  });
}
