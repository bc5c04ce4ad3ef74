/** Address management as CNI's `static`: addresses that the configuration names, or the runtime. */
import { parseInterfaceAddress } from "../../address/cidr.ts";
import { parseIp } from "../../address/ip.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, emptyResult, type ResultIp, readDns, readResult } from "../protocol/result.ts";
import type { AttachmentCall } from "./call.ts";
import { capability, cniArgs } from "./capabilities.ts";
import { ipamOf } from "./host-local.ts";

/** An address that is one, with its prefix length; throws CniError 7. */
function checked(address: string, gateway?: string): ResultIp {
  try {
    return { address: parseInterfaceAddress(address), ...(gateway && { gateway: parseIp(gateway) }) };
  } catch (cause) {
    throw new CniError(
      cniCode.badConfiguration,
      `the 'address' field is expected to be in CIDR notation, got: '${address}'`,
      undefined,
      cause,
    );
  }
}

export async function add(call: AttachmentCall): Promise<CniResult> {
  const ipam = ipamOf(call);
  const { routes } = readResult({ routes: ipam.any("routes") });
  return { ...emptyResult, ips: addressesOf(call), routes, dns: readDns(ipam.any("dns")) };
}

function addressesOf(call: AttachmentCall): readonly ResultIp[] {
  const asked = [capability(call)?.texts("ips") ?? [], cniArgs(call)?.texts("ips") ?? []].find(
    (list) => list.length > 0,
  );
  const own = ipamOf(call)
    .objects("addresses")
    .map((one) => checked(one.text("address") ?? "", one.text("gateway")));
  const gateways = new Map((call.args.gateways ?? []).map((gateway) => [parseIp(gateway).includes(":"), gateway]));
  const byArguments = call.args.ips.map((text) => checked(text, gateways.get(text.includes(":"))));
  return [...(asked === undefined ? own : asked.map((text) => checked(text))), ...byArguments];
}

/** Throws CniError where what ADD answered is not what there is. */
export async function check(call: AttachmentCall): Promise<void> {
  const told = new Set((call.previous?.ips ?? []).map(({ address }) => address));
  const missing = addressesOf(call).find(({ address }) => !told.has(address));
  if (missing === undefined) return;
  throw new CniError(cniCode.other, `static: address ${missing.address} is not in the previous result`);
}
