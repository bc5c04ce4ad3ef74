/** CHECK: whether the kernel has what the engine's records say of an attachment. Later plugins of a chain may have changed MTU and MAC address: the previous result tells. */
import type { MacAddress } from "../../address/mac.ts";
import type { KernelObject } from "../../state/objects.ts";
import type { EndpointRecord } from "../../store/records.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniResult } from "../protocol/result.ts";
import type { PlacedCall } from "./call.ts";

/** The previous result; throws CniError 7 where there is none. */
export function requirePrevious({ previous, type }: Pick<PlacedCall, "previous" | "type">): CniResult {
  if (previous !== undefined) return previous;
  throw new CniError(cniCode.badConfiguration, `must be called as chained plugin: ${type} needs a prevResult`);
}

/** The attachment that a call checks, with the part of that plugin. Throws CniError 3 where it is not there. */
export function requireAttachment(call: PlacedCall): EndpointRecord {
  const { attachments, key, type } = call;
  const endpoint = attachments.find(key);
  if (endpoint?.attachment?.parts.some(({ plugin }) => plugin === type)) return endpoint;
  throw new CniError(
    cniCode.unknownContainer,
    `container ${key.containerId} is not attached to network ${key.network} by ${type} as ${key.interfaceName}`,
  );
}

/** What is looked at: settings may be another plugin's. */
const usualKinds: ReadonlySet<KernelObject["kind"]> = new Set([
  "link",
  "moved-link",
  "address",
  "route",
  "nft-table",
  "nft-chain",
  "nft-set",
  "nft-rule",
  "nft-element",
  "passage",
  "bridge-vlan",
  "qdisc",
]);

/** Throws CniError where something of the attachment is missing or changed. */
export async function checkAttachment(
  call: PlacedCall,
  kinds: ReadonlySet<KernelObject["kind"]> = usualKinds,
): Promise<void> {
  const previous = requirePrevious(call);
  const endpoint = requireAttachment(call);
  const { namespace, attachment, attachments } = call;
  const sandbox = attachments.sandboxOf(endpoint);
  if (sandbox?.namespace !== namespace) {
    throw new CniError(cniCode.other, `the container was attached in ${sandbox?.namespace}, not in ${namespace}`);
  }
  const told = previous.interfaces.find(
    ({ name, sandbox: inside }) => name === attachment.interfaceName && inside !== undefined && inside !== "",
  );
  const differences = await attachments.differences(endpoint, (object) =>
    kinds.has(object.kind) ? adapted(object, told?.mac) : undefined,
  );
  if (differences.length === 0) return;
  throw new CniError(cniCode.other, `${call.type}: ${differences.slice(0, 5).join("; ")}`);
}

/** What is asked of an object: of an interface not its MTU, and the MAC address that was told last. */
function adapted(object: KernelObject, told: string | undefined): KernelObject | undefined {
  if (object.kind !== "link") return object;
  const { mtu: _, ...link } = object;
  const mac = told === undefined ? {} : { mac: told.toLowerCase() as MacAddress }; // compared with the kernel's, nothing else
  if (link.type === "macvlan") return { ...link, ...mac };
  if (link.type !== "veth") return link;
  const { mtu: __, ...peer } = link.peer;
  return { ...link, peer: { ...peer, ...mac } };
}
