/** How a sandbox is to resolve names: from what users give to what its record keeps. */
import { parseExtraHost, parseHostName } from "../address/host-name.ts";
import { parseIp } from "../address/ip.ts";
import { PortolanError } from "../errors.ts";
import type { SandboxNaming } from "../store/records.ts";
import type { SandboxSpec } from "./types.ts";

/** Checks it; undefined where nothing is asked for. Throws `invalid-argument`. */
export function parseNaming(spec: SandboxSpec): SandboxNaming | undefined {
  const { domainname, nameservers = [], searchDomains = [], resolverOptions = [], extraHosts = [], links = [] } = spec;
  const lists = [nameservers, searchDomains, resolverOptions, extraHosts, links];
  if (domainname === undefined && lists.every((list) => list.length === 0)) return undefined;
  return {
    ...(domainname !== undefined && { domainname: parseHostName("domain name", domainname) }),
    nameservers: nameservers.map(parseIp),
    searchDomains: searchDomains.map((domain) => (domain === "." ? domain : parseHostName("search domain", domain))),
    resolverOptions: resolverOptions.map(parseOption),
    extraHosts: extraHosts.map(parseExtraHost),
    links: Object.fromEntries(links.map(parseLink)),
  };
}

/** An option of resolv.conf(5): one word. */
function parseOption(text: string): string {
  if (/^[a-z0-9-]+(:\d+)?$/i.test(text)) return text;
  throw new PortolanError("invalid-argument", `"${text}" is no option of resolv.conf`, {
    object: `resolver option "${text}"`,
    advice: "give one such as ndots:1, timeout:2 or rotate",
  });
}

/** `NAME[:ALIAS]`, as docker's --link: the alias, and the name that it stands for. */
function parseLink(text: string): readonly [alias: string, name: string] {
  const [name = "", alias = name, ...more] = text.split(":");
  if (more.length === 0 && name !== "") return [parseHostName("link alias", alias), parseHostName("link", name)];
  throw new PortolanError("invalid-argument", `"${text}" is no link`, {
    object: `link "${text}"`,
    advice: "write NAME or NAME:ALIAS",
  });
}
