/**
 * The link of the host that networks of macvlan and ipvlan stand on: one that is there, a VLAN's sub-interface of one, which is made where it is missing, or, where
 * none is named, a link that leads nowhere.
 */
import { PortolanError } from "../errors.ts";
import type { FeatureName } from "../state/engine.ts";
import type { KernelObject } from "../state/objects.ts";
import type { NetworkRecord } from "../store/records.ts";
import type { ConfigureContext, NetworkRequest } from "./driver.ts";
import { malformedOption, readLinkName } from "./options.ts";

/** What a network's record keeps of its parent. A type, not an interface, so that it is a Json value. */
export type Parent = {
  /** Name of the link. */
  readonly parent: string;
  /** The sub-interface of a VLAN that the engine makes, shared with whichever network names it as well. */
  readonly vlan?: { readonly parent: string; readonly id: number };
  /** The other end of a pair that leads nowhere: the network has no parent of the host's. */
  readonly nowhere?: string;
};

/** Drivers whose networks have parents. */
const withParents = new Set(["macvlan", "ipvlan"]);

/** 802.1Q: 0 and 4095 are reserved. */
const vlanIds = { first: 1, last: 4094 } as const;

/** Reads the name of a parent; throws `invalid-option`. */
export function readParent(text: string, key: string): string {
  if (text === "lo") throw malformedOption(key, text, "give a link that leads somewhere: the loopback link does not");
  return readLinkName(text, key);
}

/** A sub-interface's name: that of a link, and the VLAN's number. */
function vlanOf(name: string): Parent["vlan"] {
  const [, parent, digits] = /^(.+)\.(\d{1,4})$/.exec(name) ?? [];
  const id = Number(digits);
  return parent !== undefined && id >= vlanIds.first && id <= vlanIds.last ? { parent, id } : undefined;
}

/** What a parent of that name may ask of the kernel. */
export const parentFeatures = (name: string | undefined): readonly FeatureName[] =>
  name === undefined ? ["veth"] : vlanOf(name) === undefined ? [] : ["vlan"];

/** The networks of other names that stand on the same link. */
export function sharing(parent: string, { networks }: ConfigureContext): readonly NetworkRecord[] {
  return networks.filter(
    ({ driver, config }) => withParents.has(driver) && (config as Partial<Parent>).parent === parent, // those of such drivers have one
  );
}

/**
 * The parent of a network. Throws `invalid-option` where there is no link of that name and none that it could be a VLAN's sub-interface of, and `in-use` where it is a
 * network's of another driver: the kernel gives a link to one of them.
 */
export function chooseParent(
  request: NetworkRequest,
  name: string | undefined,
  key: string,
  context: ConfigureContext,
): Parent {
  // Eleven digits, as for the host's ends of pairs.
  const digits = request.id.slice(0, 11);
  if (name === undefined) return { parent: `dm-${digits}`, nowhere: `dn-${digits}` };
  const sharers = sharing(name, context);
  const other = sharers.find(({ driver }) => driver !== request.driver);
  if (other !== undefined) {
    throw new PortolanError("in-use", `${name} is the parent of network ${other.name}, of driver ${other.driver}`, {
      object: `network "${request.name}"`,
      reason: "a link carries macvlan or ipvlan links, never both",
      advice: "give another parent, or a VLAN's sub-interface of it",
    });
  }
  const made = sharers.find(({ config }) => (config as Parent).vlan !== undefined); // as above
  if (made !== undefined) return { parent: name, ...vlanPart((made.config as Parent).vlan) };
  const there = (link: string): boolean => context.host.links.some((one) => one.name === link);
  if (there(name)) return { parent: name };
  const vlan = vlanOf(name);
  if (vlan !== undefined && there(vlan.parent)) return { parent: name, vlan };
  throw malformedOption(
    key,
    name,
    vlan === undefined
      ? "give a link of the host, or LINK.VLAN for a VLAN's sub-interface, such as eth0.10"
      : `the host has no link ${vlan.parent} to make a sub-interface of`,
  );
}

const vlanPart = (vlan: Parent["vlan"]): Pick<Parent, "vlan"> => (vlan === undefined ? {} : { vlan });

/** What the engine makes of a parent on the host; nothing of one that is there. */
export function describeParent({ parent, vlan, nowhere }: Parent): readonly KernelObject[] {
  const base = { kind: "link", namespace: "host", up: true } as const;
  if (vlan !== undefined) {
    return [{ ...base, type: "vlan", name: parent, parent: vlan.parent, id: vlan.id }, withoutIpv6(parent)];
  }
  if (nowhere === undefined) return [];
  const peer = { namespace: "host", name: nowhere, up: true } as const;
  return [{ ...base, type: "veth", name: parent, peer }, withoutIpv6(parent), withoutIpv6(nowhere)];
}

/** The host takes no part in the network. */
const withoutIpv6 = (link: string): KernelObject => ({
  kind: "sysctl",
  namespace: "host",
  name: `net/ipv6/conf/${link}/disable_ipv6`,
  value: "1",
});
