/** The program that plugins are copies of: a small static one where it was built for this machine, else a script for Node.js that does the same. */
import { existsSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { PortolanError } from "../errors.ts";
import { type Installation, trailerOf } from "./trailer.ts";

/** What is installed, and which of the two it is. */
export interface PluginProgram {
  readonly kind: "static" | "node";
  readonly bytes: Buffer;
}

/** Where scripts/build.mjs puts the static one; this file is in src/cni, or dist/cni. */
const built = join(import.meta.dirname, "../../dist/portolan-cni");

/** e_machine of elf(5) by Node's name of the architecture. */
const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };
const machineOffset = 18;

/** The static program as it was built; undefined where it was not, or for another machine. */
export function staticProgram(path = built, architecture: string = process.arch): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  return bytes.readUInt16LE(machineOffset) === machines[architecture] ? bytes : undefined;
}

/** BINPRM_BUF_SIZE of linux/binfmts.h, less `#!` and the line's end. */
const longestInterpreter = 253;

/** The plugin's program for an installation, made of the static program where there is one. Throws `invalid-argument`, `unsupported`. */
export function pluginProgram(installation: Installation, version: string, shim: Buffer | undefined): PluginProgram {
  const trailer = trailerOf(installation);
  if (shim !== undefined) return { kind: "static", bytes: Buffer.concat([shim, Buffer.from(`\n${trailer}`)]) };
  const node = process.execPath;
  if (/\s/.test(node) || Buffer.byteLength(node) > longestInterpreter)
    throw new PortolanError("unsupported", "the kernel cannot start scripts with this Node.js", {
      object: node,
      reason: `its path has blanks in it, or is longer than ${longestInterpreter} bytes`,
      advice: "install a C compiler and build Portolan again, or move Node.js",
    });
  const launcher = new URL(`./launcher${extname(import.meta.filename)}`, import.meta.url);
  const script = `#!${node}\nimport(${JSON.stringify(launcher)}).then(({ launch }) => launch(${JSON.stringify(version)}));\n// ${trailer}`;
  return { kind: "node", bytes: Buffer.from(script) };
}
