/** Plugins that make an interface: what each of them does around the making itself. */
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { FeatureName } from "../../state/engine.ts";
import type { Address } from "../../state/objects.ts";
import type { Made } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, emptyResult, type ResultInterface, type ResultIp, readDns } from "../protocol/result.ts";
import { type AttachmentCall, type BaseCall, type PlacedCall, validAttachments } from "./call.ts";
import { checkAttachment } from "./checking.ts";
import { addAddresses, addressesReady, checkAddresses, collectAddresses, giveAddressesBack } from "./ipam.ts";
import type { Plugin } from "./plugin.ts";

/** What was made, and how it is told. */
export interface Making {
  readonly made: Extract<Made, { readonly addresses: unknown; readonly routes: unknown }>;
  /** Somebody else's addresses that make room for it. */
  readonly instead?: readonly Address[];
  /** Interfaces of the host that belong to it, before the container's in the result. */
  readonly onHost: readonly ResultInterface[];
  /** The same behind it. */
  readonly onHostBehind?: readonly ResultInterface[];
  /** MTU of the container's interface, bytes. */
  readonly mtu?: number;
  readonly ips: readonly ResultIp[];
  readonly routes: CniResult["routes"];
}

/** Reads a call's configuration, refusing what is wrong with it before anything is asked for, and answers with what makes the interface. */
export type Maker = (call: PlacedCall) => (scene: AttachmentScene, ipam: CniResult) => Promise<Making>;

/** `needs` says what of the kernel a configuration needs that not every kernel has, and that it does not refuse by itself. */
export function interfacePlugin(maker: Maker, needs?: (call: PlacedCall) => readonly FeatureName[]): Plugin {
  return {
    async add(call) {
      const make = maker(call);
      const required = needs?.(call) ?? [];
      if (required.length > 0) await call.attachments.requireFeatures(call.network, required);
      await refuseSecond(call);
      const ipam = await addAddresses(call);
      try {
        return await attach(call, make, ipam);
      } catch (error) {
        await giveAddressesBack(call).catch(() => undefined);
        throw error;
      }
    },
    async del(call) {
      // Not the other way round, nor in spite of a failure: the addresses are nobody else's as long as the interface may have them.
      await call.attachments.detach(call.key, call.type);
      await giveAddressesBack(call);
    },
    async check(call) {
      maker(call);
      await checkAttachment(call);
      await checkAddresses(call);
    },
    async gc(call) {
      await collect(call);
      await collectAddresses(call);
    },
    status: addressesReady,
  };
}

/**
 * Throws CniError where the attachment has an interface already: it and its address stay as they are. One whose namespace is no more ended without a word: its address is
 * given back.
 */
async function refuseSecond(call: PlacedCall): Promise<void> {
  const { attachments, key, type } = call;
  const known = attachments.find(key);
  const sandbox = known && attachments.sandboxOf(known);
  if (!known?.attachment?.parts.some(({ made }) => "routes" in made)) return;
  if (sandbox !== undefined && !(await attachments.namespaceExists(sandbox.namespace))) {
    await giveAddressesBack(call).catch(() => undefined);
    return;
  }
  throw new CniError(
    cniCode.other,
    `container ${key.containerId} is attached to network ${key.network} as ${key.interfaceName} already`,
    `${type}: DEL comes before another ADD`,
  );
}

async function attach(
  call: PlacedCall,
  make: (scene: AttachmentScene, ipam: CniResult) => Promise<Making>,
  ipam: CniResult,
): Promise<CniResult> {
  const { attachments, attachment, namespace, key, type, config, previous = emptyResult } = call;
  let making: Making | undefined;
  await attachments.attach(key, namespace, async (scene) => {
    if (await scene.hasLink(attachment.interfaceName)) {
      throw new CniError(cniCode.other, `the interface ${attachment.interfaceName} already exists in the container`);
    }
    making = await make(scene, ipam);
    const { made, instead } = making;
    return {
      ...(instead !== undefined && { instead }),
      part: { plugin: type, made },
      ...(made.mac !== undefined && { mac: made.mac }),
      addresses: made.addresses,
    };
  });
  if (making === undefined) throw new CniError(cniCode.other, `${type} made no interface`);
  const { made, onHost, onHostBehind = [], mtu, ips, routes } = making;
  const own: ResultInterface = {
    name: attachment.interfaceName,
    ...(made.mac !== undefined && { mac: made.mac }),
    ...(mtu !== undefined && { mtu }),
    sandbox: namespace,
  };
  const before = previous.interfaces.length;
  const dns = readDns(config.any("dns"));
  return {
    interfaces: [...previous.interfaces, ...onHost, own, ...onHostBehind],
    ips: [...previous.ips, ...ips.map((ip) => ({ ...ip, interface: before + onHost.length }))],
    routes: [...previous.routes, ...routes],
    dns: [dns, ipam.dns, previous.dns].find((one) => Object.keys(one).length > 0) ?? {},
  };
}

/** Takes away what this plugin added to attachments that are not valid any more; goes on through failures, and throws the first at the end. */
export async function collect(call: BaseCall): Promise<void> {
  const valid = validAttachments(call);
  const failures: unknown[] = [];
  for (const endpoint of call.attachments.of(call.network)) {
    const { attachment } = endpoint;
    if (attachment === undefined || !attachment.parts.some(({ plugin }) => plugin === call.type)) continue;
    const { containerId } = attachment;
    const interfaceName = endpoint.join?.interfaceName ?? "";
    if (valid.has(`${containerId}/${interfaceName}`)) continue;
    await call.attachments
      .detach({ network: call.network, containerId, interfaceName }, call.type)
      .catch((error: unknown) => failures.push(error));
  }
  await call.attachments.forgetEmpty(call.network).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** What a chained plugin does at DEL. */
export const leave = (call: AttachmentCall): Promise<void> => call.attachments.detach(call.key, call.type);
