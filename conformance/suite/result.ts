/** What a result of each version has to look like (CNI 1.1 §5, and the versions before it), and how all of them are read alike. */
import { isIP } from "node:net";
import { at, isObject, type Json, type JsonObject, list, text } from "./json.ts";
import { atLeast, type Version } from "./versions.ts";

/** An address of a result, of whatever version. */
export interface ResultAddress {
  readonly family: 4 | 6;
  /** "10.1.0.2/24" */
  readonly address: string;
  readonly gateway: string | undefined;
  /** Index of its interface; undefined where the result names none. */
  readonly interface: number | undefined;
}

/** Addresses of a result of any version. */
export function addressesOf(result: Json): readonly ResultAddress[] {
  const old = (["ip4", "ip6"] as const).flatMap((key) => {
    const address = text(result, key, "ip");
    return address === undefined ? [] : [reading(address, text(result, key, "gateway"), undefined)];
  });
  const listed = list(result, "ips").map((item) => {
    const index = at(item, "interface");
    return reading(text(item, "address") ?? "", text(item, "gateway"), typeof index === "number" ? index : undefined);
  });
  return [...old, ...listed];
}

/** Routes of a result of any version. */
export const routesOf = (result: Json): readonly Json[] => [
  ...list(result, "routes"),
  ...list(result, "ip4", "routes"),
  ...list(result, "ip6", "routes"),
];

/** The bare address of "10.1.0.2/24". */
export const bare = (address: string): string => address.split("/")[0] ?? "";

const reading = (address: string, gateway: string | undefined, index: number | undefined): ResultAddress => ({
  family: address.includes(":") ? 6 : 4,
  address,
  gateway,
  interface: index,
});

/** What is wrong with the form of a result in a version; empty where nothing is. `delegated` for an IPAM plugin's answer, which names no interfaces. */
export function faultsOf(result: Json | undefined, version: Version, delegated = false): readonly string[] {
  if (!isObject(result)) return ["the result is no JSON object"];
  const faults: string[] = [];
  if (result["cniVersion"] !== version)
    faults.push(`cniVersion is ${JSON.stringify(result["cniVersion"])} instead of "${version}"`);
  faults.push(...(atLeast(version, "0.3.0") ? newForm(result, version, delegated) : oldForm(result)));
  if (result["dns"] !== undefined && !isObject(result["dns"])) faults.push("dns is no object");
  return faults;
}

/** 0.1.0 and 0.2.0: an object for each family. */
function oldForm(result: JsonObject): readonly string[] {
  const faults = strangers(result, ["cniVersion", "ip4", "ip6", "dns"], "the result");
  for (const [key, family] of [
    ["ip4", 4],
    ["ip6", 6],
  ] as const) {
    const part = result[key];
    if (part === undefined) continue;
    faults.push(...strangers(part, ["ip", "gateway", "routes"], key));
    if (!isCidr(at(part, "ip"), family)) faults.push(`${key}.ip is ${JSON.stringify(at(part, "ip"))}`);
    faults.push(...routeFaults(list(part, "routes"), "0.2.0"));
  }
  return faults;
}

/** 0.3.0 and later: lists of interfaces, addresses and routes. */
function newForm(result: JsonObject, version: Version, delegated: boolean): readonly string[] {
  const faults = strangers(result, ["cniVersion", "interfaces", "ips", "routes", "dns"], "the result");
  const interfaces = list(result, "interfaces");
  if (delegated && interfaces.length > 0) faults.push("an IPAM plugin's result has interfaces");
  const known = ["name", "mac", "sandbox", ...(atLeast(version, "1.1.0") ? ["mtu", "socketPath", "pciID"] : [])];
  for (const [index, item] of interfaces.entries()) {
    faults.push(...strangers(item, known, `interfaces[${index}]`));
    if ((text(item, "name") ?? "") === "") faults.push(`interfaces[${index}] has no name`);
    const mtu = at(item, "mtu");
    if (mtu !== undefined && typeof mtu !== "number") faults.push(`interfaces[${index}].mtu is no number`);
  }
  const hasVersion = !atLeast(version, "1.0.0");
  for (const [index, item] of list(result, "ips").entries()) {
    const keys = ["interface", "address", "gateway", ...(hasVersion ? ["version"] : [])];
    faults.push(...strangers(item, keys, `ips[${index}]`));
    const address = text(item, "address") ?? "";
    const family = address.includes(":") ? 6 : 4;
    if (!isCidr(address, family)) faults.push(`ips[${index}].address is "${address}"`);
    const gateway = at(item, "gateway");
    if (gateway !== undefined && !(typeof gateway === "string" && isIP(gateway) === family))
      faults.push(`ips[${index}].gateway is ${JSON.stringify(gateway)}`);
    if (hasVersion && at(item, "version") !== String(family))
      faults.push(`ips[${index}].version is ${JSON.stringify(at(item, "version"))} instead of "${family}"`);
    const at_ = at(item, "interface");
    if (delegated ? at_ !== undefined : at_ !== undefined && interfaces[Number(at_)] === undefined && at_ !== -1)
      faults.push(`ips[${index}].interface is ${JSON.stringify(at_)}`);
  }
  return [...faults, ...routeFaults(list(result, "routes"), version)];
}

function routeFaults(routes: readonly Json[], version: Version): readonly string[] {
  const extras = atLeast(version, "1.1.0") ? ["mtu", "advmss", "priority", "table", "scope"] : [];
  return routes.flatMap((route, index) => {
    const dst = text(route, "dst") ?? "";
    const fine = isCidr(dst, dst.includes(":") ? 6 : 4);
    const odd = fine ? [] : [`routes[${index}].dst is "${dst}"`];
    return [...odd, ...strangers(route, ["dst", "gw", ...extras], `routes[${index}]`)];
  });
}

function strangers(value: Json | undefined, known: readonly string[], where: string): string[] {
  if (!isObject(value)) return [`${where} is no object`];
  return Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => `${where} has the key "${key}"`);
}

function isCidr(value: Json | undefined, family: 4 | 6): boolean {
  if (typeof value !== "string") return false;
  const [address = "", length = "x", ...rest] = value.split("/");
  return (
    rest.length === 0 && isIP(address) === family && /^\d+$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
  );
}
