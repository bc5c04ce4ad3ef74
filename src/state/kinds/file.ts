/** Files that the engine writes as a whole. */
import type { Kind } from "../kind.ts";
import type { File } from "../objects.ts";

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function command({ path, content, mode }: File): string {
  const folder = path.slice(0, path.lastIndexOf("/")) || "/";
  return `mkdir -p ${quoted(folder)} && printf %s ${quoted(content)} > ${quoted(path)} && chmod ${mode.toString(8)} ${quoted(path)}`;
}

export const file: Kind<File> = {
  key: ({ path }) => `file ${path}`,
  references: () => [],
  words: ({ path }) => `file ${path}`,
  create: ({ path, content, mode }) => [{ type: "call", run: ({ kernel }) => kernel.writeFile(path, content, mode) }],
  update: (_before, { path, content, mode }) => [
    { type: "call", run: ({ kernel }) => kernel.writeFile(path, content, mode) },
  ],
  delete: ({ path }) => [{ type: "call", run: ({ kernel }) => kernel.removeFile(path) }],
  observe: ({ kernel, desired }) =>
    desired
      .filter((object) => object.kind === "file")
      .flatMap(({ path }): File[] => {
        const found = kernel.readFile(path);
        return found === undefined ? [] : [{ kind: "file", path, ...found }];
      }),
  commands: {
    create: (object) => [command(object)],
    update: (_before, object) => [command(object)],
    delete: ({ path }) => [`rm ${quoted(path)}`],
  },
};
