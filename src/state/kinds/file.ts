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

/** Whether somebody made it, or made it another one, so that it stays as it is. */
const isTheirs = (file: File, current: string): boolean =>
  file.edits === "instead" && current !== "" && !isSealed(current);

/** The line that ends ours in a file that others may add to. */
const lastLine = (content: string): string => content.slice(content.lastIndexOf("\n", content.length - 2) + 1);

/** What others wrote below ours. */
function below(content: string, current: string): string {
  const last = lastLine(content);
  const at = current.indexOf(`\n${last}`);
  return at === -1 ? "" : current.slice(at + 1 + last.length);
}

function write(kernel: Kernel, file: File): void {
  const { path, content, mode } = file;
  const current = file.edits === undefined ? undefined : kernel.readFile(path)?.content;
  if (current !== undefined && isTheirs(file, current)) return;
  kernel.writeFile(path, current === undefined ? content : content + below(content, current), mode);
}

function remove(kernel: Kernel, file: File): void {
  if (file.shared) {
    const current = kernel.readFile(file.path)?.content;
    if (current !== undefined && isTheirs(file, current)) return;
  }
  kernel.removeFile(file.path);
}

export const file: Kind<File> = {
  key: ({ path }) => `file ${path}`,
  references: () => [],
  words: ({ path }) => `file ${path}`,
  create: (object) => [{ type: "call", run: ({ kernel }) => write(kernel, object) }],
  update: (_before, object) => [{ type: "call", run: ({ kernel }) => write(kernel, object) }],
  delete: (object) => [{ type: "call", run: ({ kernel }) => remove(kernel, object) }],
  observe: ({ kernel, desired }) =>
    desired
      .filter((object) => object.kind === "file")
      .flatMap((object): File[] => {
        const found = kernel.readFile(object.path);
        return found === undefined ? [] : [{ ...object, ...found }];
      }),
  equal: (desired, { content, mode }) => {
    if (isTheirs(desired, content)) return true;
    const same = desired.edits === "below" ? content.startsWith(desired.content) : content === desired.content;
    return same && mode === desired.mode;
  },
  commands: {
    create: (object) => [command(object)],
    update: (_before, object) => [command(object)],
    delete: ({ path }) => [`rm ${quoted(path)}`],
  },
};
