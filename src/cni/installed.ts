/** Which plugin files are Portolan's own. */
import { statSync } from "node:fs";
import { readTrailer } from "./trailer.ts";

/** Makes {@link isOwnPlugin} with a memory of its own. */
export function ownPluginCheck(read = readTrailer): (path: string) => boolean {
  const known = new Map<string, { readonly file: string; readonly own: boolean }>();
  return (path) => {
    const file = fileAt(path);
    if (file === undefined) return false;
    const remembered = known.get(path);
    if (remembered?.file === file) return remembered.own;
    const own = hasTrailer(path, read);
    known.set(path, { file, own });
    return own;
  };
}

/**
 * Whether the file at a path was written by `portolan cni install`, which its trailer tells. What a path led to is remembered, and read again when device,
 * inode, size or time of change are others. What is no file, or cannot be read, is not ours.
 */
export const isOwnPlugin = ownPluginCheck();

/** Which file is at a path, and in which state. */
function fileAt(path: string): string | undefined {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status?.isFile() ? `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}` : undefined;
}

function hasTrailer(path: string, read: typeof readTrailer): boolean {
  try {
    return read(path) !== undefined;
  } catch {
    return false;
  }
}
