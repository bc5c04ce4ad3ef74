/** Versions of the specification, oldest first. */
import { CniError, cniCode } from "./cni-error.ts";

/** The versions that are spoken. */
export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export type CniVersion = (typeof versions)[number];

/** The newest of them. */
export const newest: CniVersion = "1.1.0";

/** What a configuration without a version is of. */
const unsaid: CniVersion = "0.1.0";

/** The version that a configuration names; throws CniError 1 for one that is not spoken. */
export function readVersion(text: string | undefined): CniVersion {
  if (text === undefined || text === "") return unsaid;
  const known = versions.find((version) => version === text);
  if (known !== undefined) return known;
  const supports = versions.map((version) => `"${version}"`).join(" ");
  throw new CniError(
    cniCode.incompatibleVersion,
    "incompatible CNI versions",
    `config is "${text}", plugin supports [${supports}]`,
  );
}

/** Whether a version is as new as another one. */
export const atLeast = (version: CniVersion, other: CniVersion): boolean =>
  versions.indexOf(version) >= versions.indexOf(other);

/** What VERSION answers. */
export const versionAnswer = { cniVersion: newest, supportedVersions: versions } as const;
