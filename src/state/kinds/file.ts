/**
 * Files that the engine writes, always in place: what is bound over another file goes on leading to it. Killed in between, a file is empty, and mended at the next
 * start. What people may change in one is kept (see File).
 */
import type { Kernel } from "../../kernel/kernel.ts";
import type { Kind } from "../kind.ts";
import type { File } from "../objects.ts";
import { isSealed } from "../sealed-text.ts";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function command({ path, content, mode }: File): string {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  return `mkdir -p ${quoted(folder)} && printf %s ${quoted(content)} > ${quoted(path)} && chmod ${mode.toString(8)} ${quoted(path)}`;
}

/**
 * Whether somebody made it, or made it another one, so that it stays as it is. `current` is undefined for what is no file of ours by its kind or size. One that is
 * empty was ours when we were killed, but in a place that may be somebody else's.
 */
function isTheirs(file: File, current: string | undefined): boolean {
  if (file.edits !== "instead") return false;
  return current === undefined || (current === "" ? file.shared === true : !isSealed(current));
}

/** The line that ends ours in a file that others may add to. */
const lastLine = (content: string): string => content.slice(content.lastIndexOf("\n", content.length - 2) + 1);

/** What others wrote below ours. */
function below(content: string, current: string): string {
  const last = lastLine(content);
  // It may be the only one of ours that is left.
  const at = `\n${current}`.indexOf(`\n${last}`);
  return at === -1 ? "" : current.slice(at + last.length);
}

/** Where the whole is while a file with others' lines is written: killed in between, these would be lost. */
const keptPath = (path: string): string => `${path}.kept`;

function write(kernel: Kernel, file: File): void {
  const { path, content, mode, edits, shared } = file;
  if (edits === undefined) {
    kernel.writeFile(path, content, mode);
    return;
  }
  const found = kernel.readFile(path);
  if (found !== undefined && isTheirs(file, found.content)) return;
  if (edits === "instead") {
    kernel.writeFile(path, content, mode, shared ? "replace" : "in-place");
    return;
  }
  const kept = kernel.readFile(keptPath(path))?.content;
  const tail = below(content, kept ?? found?.content ?? "");
  if (tail !== "") kernel.writeFile(keptPath(path), content + tail, mode);
  kernel.writeFile(path, content + tail, mode);
  if (tail !== "" || kept !== undefined) kernel.removeFile(keptPath(path));
}

function remove(kernel: Kernel, file: File): void {
  const { path, edits, shared } = file;
  if (shared) {
    const found = kernel.readFile(path);
    if (found !== undefined && isTheirs(file, found.content)) return;
  }
  if (edits === "below") kernel.removeFile(keptPath(path));
  kernel.removeFile(path);
}

export const file: Kind<File> = {
  key: ({ path }) => `file ${path}`,
  references: () => [],
  words: ({ path }) => `file ${path}`,
  create: (object) => [{ type: "call", run: ({ kernel }) => write(kernel, object) }],
  update: (_before, object) => [{ type: "call", run: ({ kernel }) => write(kernel, object) }],
  delete: (object) => [{ type: "call", run: ({ kernel }) => remove(kernel, object) }],
  everywhere: true,
  observe: ({ kernel, desired }) =>
    desired
      .filter((object) => object.kind === "file")
      .flatMap((object): File[] => {
        const found = kernel.readFile(object.path);
        if (found === undefined) return [];
        const { content, mode } = found;
        // What is theirs is left as if it were what is wanted.
        if (isTheirs(object, content)) return [object];
        return [{ ...object, content: content ?? "", mode }];
      }),
  equal: (desired, { content, mode }) => {
    const same = desired.edits === "below" ? content.startsWith(desired.content) : content === desired.content;
    return same && mode === desired.mode;
  },
  commands: {
    create: (object) => [command(object)],
    update: (_before, object) => [command(object)],
    delete: ({ path }) => [`rm ${quoted(path)}`],
  },
};
