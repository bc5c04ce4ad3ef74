import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { install, ownType, referenceTypes } from "../../../cni/install.ts";
import { pluginProgram, staticProgram } from "../../../cni/program.ts";
import type { Installation } from "../../../cni/trailer.ts";
import { nearest } from "../../../nearest.ts";
import { defineCommand } from "../../command.ts";
import { choice, on, text } from "../../flag.ts";
import { jsonText } from "../../format.ts";
import { type Globals, globalsOf } from "../../globals.ts";
import { UsageError } from "../../usage-error.ts";

const program = resolve(import.meta.dirname, "../../../../bin/portolan");
/** What does a call without the search for Node.js and for a command (docs/decisions/0032); there only as built. */
const alone = resolve(import.meta.dirname, "../../alone.cjs");
/** What CNI allows as a network's name (SPEC.md, "Configuration format"). */
const networkName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

export const command = defineCommand({
  summary: "Write the plugin files that container runtimes start",
  details: `Each file is a small program that hands calls to the daemon, and does them by this installation of Portolan where no daemon listens. The type \`${ownType}\` serves every driver; --as-reference adds the types of the CNI project's own plugins, for network lists that name these.

Files that are Portolan's are replaced, others are not, unless --force is given. The socket, and the directories of a --state-dir or --run-dir of your own, are written into the files.`,
  arguments: {},
  flags: {
    dir: text("--dir DIR", "Folder of the plugin files, which runtimes look through: /opt/cni/bin", "file"),
    asReference: on("--as-reference", `Also under the names ${referenceTypes.join(", ")}`),
    types: text("--types TYPE,...", "Also under these of the names", [ownType, ...referenceTypes]),
    conflist: text("--conflist DIR", "Write a network list 10-portolan.conflist there: /etc/cni/net.d", "file"),
    name: text("--name NAME", "The list's network (default portolan)"),
    force: on("--force", "Replace files that are not Portolan's"),
    format: choice("--format FORMAT", "How the result and errors are shown: text or json", ["text", "json"]),
  },
  examples: [
    {
      line: "portolan cni install --dir /opt/cni/bin --conflist /etc/cni/net.d",
      meaning: "the plugin, and a bridge network that uses it",
    },
    {
      line: "portolan cni install --dir /opt/portolan/cni --as-reference",
      meaning: "in place of the reference plugins, in a folder of their own",
    },
  ],
  async run({ dir, asReference, types, conflist, name, force, format }, { globals, output }) {
    if (dir === undefined)
      throw new UsageError("--dir is missing", "name the folder that the runtime has its plugins in: /opt/cni/bin");
    const network = networkOf(conflist, name);
    const installation = installationOf(globals);
    const { version } = await import("../../../api/version.ts");
    const { kind, bytes } = pluginProgram(installation, version(), staticProgram());
    const written = install({
      directory: resolve(dir),
      types: [...new Set([ownType, ...(asReference ? referenceTypes : []), ...typesOf(types)])],
      program: bytes,
      ...(conflist !== undefined && { conflist: { directory: resolve(conflist), network } }),
      force,
    });
    if (format === "json") output.line(jsonText({ program: kind, ...installation, ...written }));
    else for (const path of [...written.plugins, ...(written.conflist ? [written.conflist] : [])]) output.line(path);
  },
});

function networkOf(conflist: string | undefined, name: string | undefined): string {
  if (name !== undefined && conflist === undefined)
    throw new UsageError("--name names the network of a list, and no list is to be written", "give --conflist, too");
  if (name !== undefined && !networkName.test(name))
    throw new UsageError(`"${name}" cannot be the name of a CNI network`, "it has letters, digits, _, . and -");
  return name ?? "portolan";
}

/** The types of a list. Throws UsageError for one that is none. */
function typesOf(list: string | undefined): readonly string[] {
  const types = (list ?? "").split(",").filter((type) => type !== "");
  const known = [ownType, ...referenceTypes];
  const strange = types.find((type) => !known.includes(type));
  if (strange !== undefined)
    throw new UsageError(`there is no plugin type "${strange}"`, `did you mean "${nearest(strange, known)}"?`);
  return types;
}

/** What the plugins are told of this installation. Settings that are the defaults are left out. */
function installationOf({ socket, stateDir, runDir, publishAddress }: Globals): Installation {
  const defaults = globalsOf({}, {});
  const words = [
    ...(stateDir === defaults.stateDir ? [] : ["--state-dir", resolve(stateDir)]),
    ...(runDir === defaults.runDir ? [] : ["--run-dir", resolve(runDir)]),
    ...(publishAddress === undefined ? [] : ["--publish-address", publishAddress]),
  ];
  return { socket: resolve(socket), command: [...starting(), ...words] };
}

/** A Node.js that was brought along stays where it is; another one may be gone tomorrow, and is searched for at each call. */
const starting = (): readonly [string, ...string[]] =>
  existsSync(alone) && process.execPath.includes("/node_modules/") ? [process.execPath, alone] : [program];
