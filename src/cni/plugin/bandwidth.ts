/** The type `bandwidth`: how fast what comes to the container and what leaves it may be. */
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { Rate } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniResult } from "../protocol/result.ts";
import type { PlacedCall } from "./call.ts";
import { capability } from "./capabilities.ts";
import { checkAttachment, requirePrevious } from "./checking.ts";
import type { Fields } from "./fields.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";

const bitsOfByte = 8;
/** The kernel counts a burst in 32 bits. */
const longestBurst = 2 ** 32 - 1;

/** The limit of one direction; throws CniError 7 where only half of it is said, or it is none. */
function rateOf(fields: Fields, direction: "ingress" | "egress"): Rate | undefined {
  const [rate, burst] = [fields.whole(`${direction}Rate`) ?? 0, fields.whole(`${direction}Burst`) ?? 0];
  if (rate === 0 && burst === 0) return undefined;
  if (rate < bitsOfByte || burst < bitsOfByte) {
    throw new CniError(
      cniCode.badConfiguration,
      `if burst is set, rate must also be set, and both above 0: ${direction}Rate ${rate}, ${direction}Burst ${burst}`,
    );
  }
  const limit = { rate: Math.floor(rate / bitsOfByte), burst: Math.floor(burst / bitsOfByte) };
  if (limit.burst > longestBurst)
    throw new CniError(cniCode.badConfiguration, `${direction}Burst cannot be more than 4GB`);
  return limit;
}

/** The limits: the runtime's where it gives any, else the configuration's. */
function ratesOf(call: PlacedCall) {
  const fields = capability(call)?.object("bandwidth") ?? call.config;
  return { ingress: rateOf(fields, "ingress"), egress: rateOf(fields, "egress") };
}

/** The host's end of the container's pair: what another part of the attachment says, or the pair among the previous result's interfaces. */
async function hostEndOf(scene: AttachmentScene, previous: CniResult): Promise<string> {
  for (const { made } of scene.endpoint?.attachment?.parts ?? []) if ("hostEnd" in made) return made.hostEnd.name;
  const named = new Set(previous.interfaces.filter(({ sandbox = "" }) => sandbox === "").map(({ name }) => name));
  const found = (await scene.host()).links.find(({ name, type }) => type === "veth" && named.has(name));
  if (found !== undefined) return found.name;
  throw new CniError(cniCode.other, "no pair of the host's was found whose other end is the container's interface");
}

export const bandwidth: Plugin = {
  async add(call) {
    const previous = requirePrevious(call);
    const { ingress, egress } = ratesOf(call);
    if (ingress === undefined && egress === undefined) return previous;
    const { attachments, key, namespace, type } = call;
    await attachments.attach(key, namespace, async (scene) => ({
      part: {
        plugin: type,
        made: {
          kind: "shaped",
          ...(ingress !== undefined && { ingress: { ...ingress, hostEnd: await hostEndOf(scene, previous) } }),
          ...(egress !== undefined && { egress }),
        },
      },
    }));
    return previous;
  },
  async check(call) {
    requirePrevious(call);
    const { ingress, egress } = ratesOf(call);
    if (ingress !== undefined || egress !== undefined) await checkAttachment(call);
  },
  del: leave,
  gc: collect,
};
