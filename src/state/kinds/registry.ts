/** The kinds of kernel objects there are: a line each. */
import type { Kind } from "../kind.ts";
import type { KernelObject, ObjectKind } from "../objects.ts";
import { address } from "./address.ts";
import { bridgeVlan } from "./bridge-vlan.ts";
import { file } from "./file.ts";
import { link } from "./link.ts";
import { linkSetting } from "./link-setting.ts";
import { movedLink } from "./moved-link.ts";
import { namespace } from "./namespace.ts";
import { neighbour } from "./neighbour.ts";
import { nftChain, nftElement, nftRule, nftSet, nftTable } from "./nft.ts";
import { passage } from "./passage.ts";
import { port } from "./port.ts";
import { qdisc } from "./qdisc.ts";
import { route } from "./route.ts";
import { rule } from "./rule.ts";
import { sysctl } from "./sysctl.ts";

const kinds: { readonly [Name in ObjectKind]: Kind<Extract<KernelObject, { kind: Name }>> } = {
  namespace,
  // Before it leads anywhere, a port is ours.
  port,
  "nft-table": nftTable,
  "nft-chain": nftChain,
  "nft-set": nftSet,
  "nft-rule": nftRule,
  "nft-element": nftElement,
  passage,
  link,
  "moved-link": movedLink,
  "link-setting": linkSetting,
  "bridge-vlan": bridgeVlan,
  qdisc,
  sysctl,
  address,
  route,
  neighbour,
  rule,
  file,
};

/** The kind of an object. */
export function kindOf<Object extends KernelObject>(object: Object): Kind<Object> {
  // The table has for each `kind` the implementation for exactly that member of the union.
  return kinds[object.kind] as unknown as Kind<Object>;
}

/** Every kind, firewall before links, so that isolation stands before traffic. */
export const allKinds: readonly Kind<KernelObject>[] = Object.values(kinds) as unknown as Kind<KernelObject>[]; // as above

/** The kinds that a ruleset is made of. */
export const rulesetKinds: readonly Kind<KernelObject>[] = [
  nftTable,
  nftChain,
  nftSet,
  nftRule,
  nftElement,
] as unknown as Kind<KernelObject>[]; // as above

/** Rank of a kind in that order. */
const ranks = new Map(Object.keys(kinds).map((name, rank) => [name, rank]));
export const rankOf = ({ kind }: KernelObject): number => ranks.get(kind) ?? 0;

/** Identity of an object. */
export const keyOf = (object: KernelObject): string => kindOf(object).key(object);
