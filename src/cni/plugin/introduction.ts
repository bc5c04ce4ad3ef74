import { versions } from "../protocol/version.ts";

/** What a plugin says of itself when it is executed without a command, for standard error; `version` is the program's. */
export const introduction = (type: string, version: string): string =>
  `CNI ${type} plugin v${version}\nCNI protocol versions supported: ${versions.join(", ")}\n`;
