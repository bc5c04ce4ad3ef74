/** Which version of the specification a network's plugins are called with (SPEC.md, "Network configuration format"). */
import { PortolanError } from "../../errors.ts";
import { atLeast, type CniVersion, newest, readVersion, versions } from "../protocol/version.ts";

const isKnown = (text: string): text is CniVersion => versions.some((version) => version === text);

/**
 * The newest version that a configuration offers and that is spoken here. `only` is its `cniVersion`, `several` its `cniVersions`; newer ones and unknown ones
 * among several are passed over. Throws `unsupported` where none is left.
 */
export function chooseVersion(only: string | undefined, several: readonly string[]): CniVersion {
  const offered = [...several, ...(only === undefined || only === "" ? [] : [only])];
  const spoken = offered.filter(isKnown);
  const [first, ...others] = spoken;
  if (first !== undefined) return others.reduce((best, other) => (atLeast(other, best) ? other : best), first);
  if (offered.length === 0) return readVersion(undefined);
  throw new PortolanError("unsupported", `no version of CNI that is offered is spoken here: ${offered.join(", ")}`, {
    advice: `write one of ${versions.join(", ")} as cniVersion; the newest is ${newest}`,
  });
}
