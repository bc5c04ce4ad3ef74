/** The types `macvlan` and `ipvlan`: a link of the container's own on a link of the host, or on another one of its own. */
import type { ParentedInterface } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin } from "./interface-plugin.ts";
import { hasIpam } from "./ipam.ts";
import { standingOn } from "./standing.ts";

function oneOf<Word extends string>(call: PlacedCall, words: readonly [Word, ...Word[]]): Word {
  const text = call.config.text("mode") || words[0];
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new CniError(cniCode.badConfiguration, `unknown ${call.type} mode: "${text}"`, `modes are ${words.join(", ")}`);
}

const parented = (read: (call: PlacedCall) => ParentedInterface["link"]) =>
  interfacePlugin((call) => {
    const link = read(call);
    const parent = call.config.text("master") || previousParent(call);
    const mac = link.type === "macvlan" ? (askedMac(call) ?? call.attachments.newMac()) : undefined;
    return standingOn(call, parent, mac, (common) => ({ kind: "parented", ...common, link }));
  });

/** Behind another plugin `ipvlan` stands on the one interface that it made. */
const previousParent = ({ type, previous }: PlacedCall): string | undefined =>
  type === "ipvlan" && previous?.interfaces.length === 1 ? previous.interfaces[0]?.name : undefined;

export const macvlan = parented((call) => ({
  type: "macvlan",
  mode: oneOf(call, ["bridge", "private", "vepa", "passthru"]),
}));

export const ipvlan = parented((call) => {
  if (!hasIpam(call)) throw new CniError(cniCode.badConfiguration, "ipvlan needs ipam");
  return { type: "ipvlan", mode: oneOf(call, ["l2", "l3", "l3s"]) };
});
