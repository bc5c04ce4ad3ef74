/** The registry of link kinds: a new kind is one file here and one line in {@link linkKinds}. */
import { bridge } from "./bridge.ts";
import { dummy } from "./dummy.ts";
import { ipvlan } from "./ipvlan.ts";
import type { LinkKindCodec } from "./kind.ts";
import { macvlan } from "./macvlan.ts";
import { veth } from "./veth.ts";
import { vlan } from "./vlan.ts";
import { vrf } from "./vrf.ts";

/** Codecs by the kernel's name of the kind (IFLA_INFO_KIND). */
const linkKinds = { bridge, dummy, ipvlan, macvlan, veth, vlan, vrf };

/** A kind of link that has a codec. */
export type LinkKind = keyof typeof linkKinds;
/** The data of any kind of link that has a codec. */
export type LinkKindData = ReturnType<(typeof linkKinds)[LinkKind]["decode"]>;

/** The codec of a kind; undefined for kinds we do not know. */
export function linkKindCodec(kind: string): LinkKindCodec<LinkKindData> | undefined {
  return Object.hasOwn(linkKinds, kind) ? linkKinds[kind as LinkKind] : undefined; // hasOwn has just shown that it is one.
}
