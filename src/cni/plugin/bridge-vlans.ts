/** The keys `vlan`, `vlanTrunk` and `preserveDefaultVlan` of the type `bridge`. */
import { readLinkName } from "../../drivers/options.ts";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { BridgedInterface, PortVlans } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { PlacedCall } from "./call.ts";
import type { Fields } from "./fields.ts";

/** 802.1Q: 0 and 4095 are reserved. */
const lastId = 4094;

/** The VLAN of a bridge's new ports where nobody has said another one. */
const usualVlan = 1;

const mistake = (words: string): CniError => new CniError(cniCode.badConfiguration, words);

/** What a configuration says of VLANs. */
export interface AskedVlans {
  /** That of frames without a tag; 0 where none is said. */
  readonly own: number;
  /** Those of frames with their tags, in order. */
  readonly trunk: readonly number[];
  /** The port stays in the VLAN that the bridge has put it in, as it did before there was the key. */
  readonly keepsDefault: boolean;
}

/** Reads it; undefined where it says nothing. Throws CniError 7. */
export function askedVlans(config: Fields): AskedVlans | undefined {
  const own = config.whole("vlan") ?? 0;
  if (own < 0 || own > lastId) throw mistake(`invalid VLAN ID ${own} (must be between 0 and ${lastId})`);
  const trunk = [...new Set(config.objects("vlanTrunk").flatMap(idsOf))].toSorted((a, b) => a - b);
  const keepsDefault = config.flag("preserveDefaultVlan", true);
  return own === 0 && trunk.length === 0 ? undefined : { own, trunk, keepsDefault };
}

/** The VLANs of one member of a trunk: a row, a single one, or both. */
function idsOf(member: Fields): readonly number[] {
  const known = (key: string): number | undefined => {
    const id = member.whole(key);
    if (id !== undefined && (id <= 0 || id > lastId)) throw mistake(`incorrect trunk ${key} parameter`);
    return id;
  };
  const [first, last, single] = [known("minID"), known("maxID"), known("id")];
  if (first === undefined && last !== undefined)
    throw mistake("minID and maxID should be configured simultaneously, minID is missing");
  if (first !== undefined && last === undefined)
    throw mistake("minID and maxID should be configured simultaneously, maxID is missing");
  if (first !== undefined && last !== undefined && last < first)
    throw mistake("minID is greater than maxID in trunk parameter");
  const row =
    first === undefined || last === undefined ? [] : Array.from({ length: last - first + 1 }, (_, at) => first + at);
  return single === undefined ? row : [...row, single];
}

/** Numbers in order as rows. */
function rowsOf(ids: readonly number[]): PortVlans["tagged"] {
  const rows: [number, number][] = [];
  for (const id of ids) {
    const row = rows.at(-1);
    if (row?.[1] === id - 1) row[1] = id;
    else rows.push([id, id]);
  }
  return rows;
}

/**
 * What the port is told; `standing` is of the bridge, absent where it is yet to be made. A VLAN of the port's own is never one of the tagged: in the reference plugin a trunk
 * that holds it takes the frames without tags away.
 */
export function portVlans(
  { own, trunk, keepsDefault }: AskedVlans,
  standing: { readonly default: number } = { default: usualVlan },
): PortVlans {
  const others = standing.default === 0 || trunk.includes(standing.default) ? undefined : standing.default;
  const native = own !== 0 ? own : keepsDefault ? others : undefined;
  const leaves = !keepsDefault && others !== undefined && others !== own;
  return {
    ...(native !== undefined && { native }),
    tagged: rowsOf(trunk.filter((id) => id !== native)),
    ...(leaves && { without: others }),
  };
}

/** The host's own link in a VLAN of a bridge: one that is there, ours or somebody's, or a new one. Throws CniError where something else has its name. */
export async function gatewayLinkOf(
  call: PlacedCall,
  scene: AttachmentScene,
  bridge: string,
  id: number,
): Promise<NonNullable<BridgedInterface["gatewayLink"]>> {
  const name = readLinkName(`${bridge}.${id}`, "bridge");
  const wanted = call.attachments.wantedLink(name);
  if (wanted?.type === "vlan" && wanted.parent === bridge && wanted.id === id) return { name, own: wanted };
  const there = (await scene.host()).links.find((link) => link.name === name);
  if (wanted !== undefined)
    throw new CniError(cniCode.other, `${name} already exists but is no VLAN link of ${bridge}`);
  if (there !== undefined) return { name };
  const own = { kind: "link", namespace: "host", type: "vlan", name, parent: bridge, id, up: true } as const;
  return { name, own: { ...own, addressGeneration: "none" } };
}
