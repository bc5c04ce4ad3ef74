/** The types `macvlan` and `ipvlan`: a link of the container's own on a link of the host. */
import { readFileSync } from "node:fs";
import type { ParentedInterface } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import { askedMac } from "./capabilities.ts";
import { interfacePlugin } from "./interface-plugin.ts";
import { hasIpam } from "./ipam.ts";
import { standingOn } from "./standing.ts";

/** The link of the host's IPv4 default route (proc_net_route: name and destination come first). */
function defaultLink(): string {
  const lines = readFileSync("/proc/self/net/route", "utf8").split("\n").slice(1);
  const found = lines
    .map((line) => line.split("\t"))
    .find(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000");
  if (found?.[0] !== undefined) return found[0];
  throw new CniError(cniCode.badConfiguration, '"master" is not given, and there is no default route to take it from');
}

function oneOf<Word extends string>(call: PlacedCall, words: readonly [Word, ...Word[]]): Word {
  const text = call.config.text("mode") || words[0];
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new CniError(cniCode.badConfiguration, `unknown ${call.type} mode: "${text}"`, `modes are ${words.join(", ")}`);
}

const parented = (read: (call: PlacedCall) => ParentedInterface["link"]) =>
  interfacePlugin((call) => {
    const link = read(call);
    const parent = call.config.text("master") || previousParent(call) || defaultLink();
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
