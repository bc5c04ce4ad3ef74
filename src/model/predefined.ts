/**
 * The networks that are always there: `bridge`, `host` and `none`. They are records from the first start on, but the objects of `bridge` are made with its
 * first endpoint in a sandbox and go with the last one: starting the engine changes nothing on the machine.
 */
import type { NetworkRecord } from "../store/records.ts";

/** Name and driver. */
export const predefined = [
  { name: "bridge", driver: "bridge" },
  { name: "host", driver: "host" },
  { name: "none", driver: "none" },
] as const;

export const predefinedNames: ReadonlySet<string> = new Set(predefined.map(({ name }) => name));

/** Whether a network is one of them: the names are theirs alone. */
export const isPredefined = ({ name }: Pick<NetworkRecord, "name">): boolean => predefinedNames.has(name);
