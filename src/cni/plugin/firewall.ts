/** The type `firewall`: who reaches the container from other networks of this host. */
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import { checkAttachment, requirePrevious } from "./checking.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";
import { linkTowards } from "./portmap.ts";
import { containerAddresses } from "./previous.ts";

const policies = { "": "open", open: "open", "same-bridge": "same-bridge", isolated: "isolated" } as const;

function policyOf({ config }: PlacedCall) {
  const text = config.text("ingressPolicy") ?? "";
  const found = Object.entries(policies).find(([word]) => word === text)?.[1];
  if (found !== undefined) return found;
  throw new CniError(cniCode.badConfiguration, `unknown ingress policy: ${JSON.stringify(text)}`);
}

export const firewall: Plugin = {
  async add(call) {
    const previous = requirePrevious(call);
    const policy = policyOf(call);
    const { attachments, key, namespace, type } = call;
    const addresses = containerAddresses(previous, key.interfaceName);
    await attachments.attach(key, namespace, async (scene) => {
      const behind = await linkTowards(scene, scene.endpoint?.attachment?.parts ?? [], addresses);
      return { part: { plugin: type, made: { kind: "filtered", policy, ...(behind !== undefined && { behind }) } } };
    });
    return previous;
  },
  async check(call) {
    requirePrevious(call);
    await checkAttachment(call);
  },
  del: leave,
  gc: collect,
};
