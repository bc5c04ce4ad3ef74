/** Where a plugin's executable is. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PortolanError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";

/** Where plugins are where nothing else is said: the specification's example, and Debian's place. */
export const standardPluginDirectories: readonly string[] = ["/opt/cni/bin", "/usr/lib/cni"];

/** The first regular file of that name in the directories; whether it can be executed is seen when it is, as in libcni. Throws `not-found`. */
export function findPlugin(type: string, directories: readonly string[]): string {
  if (type.includes("/") || type === "." || type === "..") {
    throw new PortolanError("invalid-argument", `"${type}" cannot be a plugin's name`, {
      object: `plugin "${type}"`,
      advice: "a plugin is named by its file, and the directory is one of those that are searched",
    });
  }
  for (const directory of directories) {
    const path = join(directory, type);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  }
  const near = nearest(type, directories.flatMap(namesIn), { within: 3 });
  throw new PortolanError("not-found", `there is no plugin "${type}" in ${directories.join(", ") || "no directory"}`, {
    object: `plugin "${type}"`,
    advice: `install it there, or name its directory${near === undefined ? "" : `; did you mean "${near}"?`}`,
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // a directory of the path need not be there
  }
}
