/** The type `vrf`: the interface in a VRF of the container's. */
import { readLinkName } from "../../drivers/options.ts";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { Enslaved } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { checkAttachment, requirePrevious } from "./checking.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";

/** The first table that is given out: those below are the kernel's and other people's. */
const firstTable = 1000;

/** The VRFs that the container's attachments are in. */
const known = ({ company }: AttachmentScene): readonly Enslaved[] =>
  company
    .flatMap(({ attachment }) => attachment?.parts ?? [])
    .flatMap(({ made }) => (made.kind === "enslaved" ? [made] : []));

/** The VRF of that name: one that is there, or a new one, of the table asked for or one that none has. */
function choose(scene: AttachmentScene, name: string, asked: number | undefined): Enslaved {
  const others = known(scene);
  const there = others.find(({ vrf }) => vrf === name);
  if (there !== undefined && asked !== undefined && asked !== there.table) {
    throw new CniError(
      cniCode.badConfiguration,
      `VRF ${name} already exist with different routing table ${there.table}`,
    );
  }
  if (there !== undefined) return there;
  let table = asked ?? firstTable;
  while (asked === undefined && others.some((other) => other.table === table)) table++;
  return { kind: "enslaved", vrf: name, table };
}

export const vrf: Plugin = {
  async add(call) {
    const previous = requirePrevious(call);
    const { config, attachments, key, namespace, type } = call;
    const named = config.text("vrfname") ?? "";
    if (named === "")
      throw new CniError(cniCode.badConfiguration, 'configuration is expected to have a valid "vrfname"');
    const [name, table] = [readLinkName(named, "vrfname"), config.whole("table") || undefined];
    await attachments.attach(key, namespace, async (scene) => ({
      part: { plugin: type, made: choose(scene, name, table) },
    }));
    return previous;
  },
  async check(call) {
    requirePrevious(call);
    await checkAttachment(call, new Set(["link", "link-setting"]));
  },
  del: leave,
  gc: collect,
};
