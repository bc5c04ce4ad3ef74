/** Results of ADD (SPEC.md, "Success"): in memory as in 1.1.0, written and read as in every version. */
import { CniError, cniCode } from "./cni-error.ts";
import { atLeast, type CniVersion } from "./version.ts";

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  /** Bytes. */
  readonly mtu?: number;
  /** Path of the namespace it is in; absent: the host's. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

export interface ResultIp {
  /** With its prefix length. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into the interfaces. */
  readonly interface?: number;
}

export interface ResultRoute {
  /** CIDR. */
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

export interface ResultDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export interface CniResult {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
}

export const emptyResult: CniResult = { interfaces: [], ips: [], routes: [], dns: {} };

const isIpv6 = (address: string): boolean => address.includes(":");

/** Writes a result as a version has it; throws CniError where a version of one address a family has none to tell. */
export function resultJson(result: CniResult, version: CniVersion): object {
  const { interfaces, ips, routes, dns } = result;
  if (!atLeast(version, "0.3.0")) return oldJson(result, version);
  const whole = atLeast(version, "1.1.0");
  return {
    cniVersion: version,
    ...(interfaces.length > 0 && { interfaces: interfaces.map((one) => interfaceJson(one, whole)) }),
    ...(ips.length > 0 && {
      ips: ips.map((ip) => (atLeast(version, "1.0.0") ? ip : { version: isIpv6(ip.address) ? "6" : "4", ...ip })),
    }),
    ...(routes.length > 0 && { routes: routes.map((route) => (whole ? route : shortRoute(route))) }),
    ...((!whole || Object.keys(dns).length > 0) && { dns }),
  };
}

function interfaceJson({ name, mac, sandbox, ...rest }: ResultInterface, whole: boolean): ResultInterface {
  return { name, ...(mac !== undefined && { mac }), ...(whole && rest), ...(sandbox !== undefined && { sandbox }) };
}

const shortRoute = ({ dst, gw }: ResultRoute): ResultRoute => ({ dst, ...(gw !== undefined && { gw }) });

/** 0.1.0 and 0.2.0: an address a family. */
function oldJson({ ips, routes, dns }: CniResult, cniVersion: CniVersion): object {
  const family = (six: boolean): object | undefined => {
    const ip = ips.find(({ address }) => isIpv6(address) === six);
    if (ip === undefined) return undefined;
    const own = routes.filter(({ dst }) => isIpv6(dst) === six).map(shortRoute);
    return {
      ip: ip.address,
      ...(ip.gateway !== undefined && { gateway: ip.gateway }),
      ...(own.length > 0 && { routes: own }),
    };
  };
  const [ip4, ip6] = [family(false), family(true)];
  if (ip4 === undefined && ip6 === undefined) {
    throw new CniError(cniCode.other, `cannot convert: no valid IP addresses, which a result of ${cniVersion} needs`);
  }
  return { cniVersion, ...(ip4 && { ip4 }), ...(ip6 && { ip6 }), dns };
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const numberOf = (value: unknown): number | undefined => (Number.isInteger(value) ? (value as number) : undefined); // isInteger says so
const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

/** An object without its undefined fields. */
function present<Value extends object>(value: { readonly [Key in keyof Value]: Value[Key] | undefined }): Value {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Value; // what is left is defined
}

/** Reads a result of any version, whatever is missing; throws CniError 6 for what is no object. */
export function readResult(json: unknown): CniResult {
  if (json === null || json === undefined) return emptyResult;
  if (!isFields(json)) throw new CniError(cniCode.undecodable, "a result is an object");
  const old = [json["ip4"], json["ip6"]].filter(isFields);
  const ips = old.length > 0 ? old.map(oldIp) : listOf(json["ips"]).flatMap((ip) => readIp(ip) ?? []);
  const routes = [...listOf(json["routes"]), ...old.flatMap((family) => listOf(family["routes"]))];
  return {
    interfaces: listOf(json["interfaces"]).map((one) =>
      present<ResultInterface>({
        name: textOf(one["name"]) ?? "",
        mac: textOf(one["mac"]),
        mtu: numberOf(one["mtu"]) || undefined,
        sandbox: textOf(one["sandbox"]),
        socketPath: textOf(one["socketPath"]),
        pciID: textOf(one["pciID"]),
      }),
    ),
    ips,
    routes: routes.flatMap((route) => readRoute(route) ?? []),
    dns: readDns(json["dns"]),
  };
}

const oldIp = (family: Fields): ResultIp =>
  present<ResultIp>({ address: textOf(family["ip"]) ?? "", gateway: textOf(family["gateway"]), interface: undefined });

function readIp(ip: Fields): ResultIp | undefined {
  const address = textOf(ip["address"]);
  if (address === undefined) return undefined;
  return present<ResultIp>({ address, gateway: textOf(ip["gateway"]), interface: numberOf(ip["interface"]) });
}

function readRoute(route: Fields): ResultRoute | undefined {
  const dst = textOf(route["dst"]);
  if (dst === undefined) return undefined;
  return present<ResultRoute>({
    dst,
    gw: textOf(route["gw"]),
    mtu: numberOf(route["mtu"]) || undefined,
    advmss: numberOf(route["advmss"]) || undefined,
    priority: numberOf(route["priority"]) || undefined,
    table: numberOf(route["table"]),
    scope: numberOf(route["scope"]),
  });
}

/** Reads the `dns` of a result or a configuration. */
export function readDns(json: unknown): ResultDns {
  if (!isFields(json)) return {};
  const lists = {
    nameservers: textsOf(json["nameservers"]),
    search: textsOf(json["search"]),
    options: textsOf(json["options"]),
  };
  const domain = textOf(json["domain"]);
  return {
    ...(lists.nameservers.length > 0 && { nameservers: lists.nameservers }),
    ...(domain !== undefined && { domain }),
    ...(lists.search.length > 0 && { search: lists.search }),
    ...(lists.options.length > 0 && { options: lists.options }),
  };
}
