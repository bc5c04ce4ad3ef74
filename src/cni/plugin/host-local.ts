/** Address management as CNI's `host-local`, in the engine's own store; for the engine's plugins in their own process, and for others' that execute it. */
import { readFileSync } from "node:fs";
import { addressOf } from "../../address/cidr.ts";
import { type IpAddress, parseIp } from "../../address/ip.ts";
import {
  askedFor,
  type Given,
  nextFree,
  parseRangeSets,
  type RangeSet,
  type RangeSpec,
} from "../../ipam/ranges/index.ts";
import { remembering } from "../../memo.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, emptyResult, type ResultDns, readResult } from "../protocol/result.ts";
import { type AttachmentCall, type BaseCall, validAttachments } from "./call.ts";
import { capability, cniArgs } from "./capabilities.ts";
import type { Fields } from "./fields.ts";

/** Everything under the key `ipam`; throws CniError 7 where there is none. */
export function ipamOf({ config }: BaseCall): Fields {
  const ipam = config.object("ipam");
  if (ipam === undefined) throw new CniError(cniCode.badConfiguration, 'IPAM config missing "ipam" key');
  return ipam;
}

/** Which addresses exclude each other: those of one network, or of one directory and network, as files would. */
const poolOf = (call: BaseCall, ipam: Fields): string => `${ipam.text("dataDir") ?? ""}/${call.network}`;

const rangeSpec = (fields: Fields): RangeSpec => {
  const [rangeStart, rangeEnd, gateway] = [fields.text("rangeStart"), fields.text("rangeEnd"), fields.text("gateway")];
  return {
    subnet: fields.text("subnet") ?? "",
    ...(rangeStart && { rangeStart }),
    ...(rangeEnd && { rangeEnd }),
    ...(gateway && { gateway }),
  };
};

/** The sets of ranges: the runtime's first, then the flat one, then the list. */
function rangeSets(call: BaseCall, ipam: Fields): readonly RangeSet[] {
  const asked = capability(call)?.objectLists("ipRanges") ?? [];
  const flat = ipam.has("subnet") ? [[ipam]] : [];
  const specs = [...asked, ...flat, ...ipam.objectLists("ranges")].map((set) => set.map(rangeSpec));
  if (specs.length === 0) throw new CniError(cniCode.badConfiguration, "no IP ranges specified");
  return parsedSets(JSON.stringify(specs));
}

/** A network's ranges are the same at every call, and take longer to read than the address to find. */
const parsedSets = remembering(64, (specs) => parseRangeSets(JSON.parse(specs)));

/** Addresses that are asked for, by all ways together. */
function requests(call: AttachmentCall): readonly IpAddress[] {
  const texts = [...call.args.ips, ...(cniArgs(call)?.texts("ips") ?? []), ...(capability(call)?.texts("ips") ?? [])];
  return [...new Set(texts.map((text) => parseIp(text.split("/", 1)[0] ?? "")))];
}

/** Gives out addresses; `written` says when that is in the store. Throws CniError. */
export async function add(call: AttachmentCall, written: "now" | "along" = "now"): Promise<CniResult> {
  const ipam = ipamOf(call);
  const pool = poolOf(call, ipam);
  const { attachments, key } = call;
  const sets = rangeSets(call, ipam);
  const dns = resolvConf(ipam.text("resolvConf"));
  if (attachments.reservation(pool, key) !== undefined) {
    throw new CniError(
      cniCode.other,
      `failed to allocate for range 0: ${key.containerId} has been allocated to it, duplicate allocation is not allowed`,
    );
  }
  // From here to the reservation nobody else comes between: nothing is waited for.
  const isTaken = (address: IpAddress): boolean => attachments.isReserved(pool, address);
  const given = choose(sets, requests(call), isTaken, (set) => attachments.lastReserved(pool, set));
  await attachments.reserve(
    pool,
    { containerId: key.containerId, interfaceName: key.interfaceName },
    given.map(({ address }) => addressOf(address)),
    written,
  );
  const { routes } = readResult({ routes: ipam.any("routes") });
  return { ...emptyResult, ips: given.map(({ address, gateway }) => ({ address, gateway })), routes, dns };
}

/** An address of each set; throws CniError where one has none left, or what is asked for is of none. */
function choose(
  sets: readonly RangeSet[],
  asked: readonly IpAddress[],
  isTaken: (address: IpAddress) => boolean,
  last: (set: number) => IpAddress | undefined,
): readonly Given[] {
  const open = new Set(asked);
  const given = sets.map((set, at) => {
    for (const address of open) {
      const found = askedFor(set, address, isTaken);
      if (found === undefined) continue;
      open.delete(address);
      return found;
    }
    const next = nextFree(set, last(at), isTaken);
    if (next !== undefined) return next;
    throw new CniError(
      cniCode.other,
      `failed to allocate for range ${at}: no IP addresses available in range set: ${set.map(({ subnet }) => subnet).join(",")}`,
    );
  });
  if (open.size === 0) return given;
  throw new CniError(cniCode.other, `failed to allocate all requested IPs: ${[...open].join(", ")}`);
}

export async function del(call: AttachmentCall): Promise<void> {
  const ipam = call.config.object("ipam");
  if (ipam === undefined) return;
  const found = call.attachments.reservation(poolOf(call, ipam), call.key);
  if (found !== undefined) await call.attachments.release([found]);
}

export async function check(call: AttachmentCall): Promise<void> {
  const { attachments, key } = call;
  if (attachments.reservation(poolOf(call, ipamOf(call)), key) !== undefined) return;
  throw new CniError(cniCode.other, `host-local: Failed to find address added by container ${key.containerId}`);
}

export async function gc(call: BaseCall): Promise<void> {
  const valid = validAttachments(call);
  const stale = call.attachments
    .reservations(poolOf(call, ipamOf(call)))
    .filter(({ containerId, interfaceName }) => !valid.has(`${containerId}/${interfaceName}`));
  await call.attachments.release(stale);
}

/** Throws CniError 50 where a set has no address left. */
export async function status(call: BaseCall): Promise<void> {
  const ipam = ipamOf(call);
  const pool = poolOf(call, ipam);
  const full = rangeSets(call, ipam).find(
    (set) => nextFree(set, undefined, (address) => call.attachments.isReserved(pool, address)) === undefined,
  );
  if (full === undefined) return;
  const range = full.map(({ subnet }) => subnet).join(",");
  throw new CniError(cniCode.notAvailable, `no IP addresses available in range set: ${range}`);
}

/** What a file of the resolver's says (resolv.conf(5)). */
function resolvConf(path: string | undefined): ResultDns {
  if (path === undefined || path === "") return {};
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([word = ""]) => word !== "" && !/^[#;]/.test(word));
  const of = (wanted: string): readonly string[] => lines.flatMap(([word, ...rest]) => (word === wanted ? rest : []));
  const [nameservers, search, options, domain] = [of("nameserver"), of("search"), of("options"), of("domain").at(-1)];
  return {
    ...(nameservers.length > 0 && { nameservers }),
    ...(domain !== undefined && { domain }),
    ...(search.length > 0 && { search }),
    ...(options.length > 0 && { options }),
  };
}
