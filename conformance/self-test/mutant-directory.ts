/** Directories of plugins with a fault, for the suite to find it. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Compiled mutants, shared by all: a mutant is started for every call. */
const cache = mkdtempSync(join(tmpdir(), "cni-mutants-compiled-"));
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));

/** A directory in which every plugin of another stands with one fault, in a version of the protocol; removed when disposed of. */
export function mutantDirectory(
  mutation: string,
  real: string,
  version = "1.0.0",
): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "cni-mutant-"));
  for (const type of readdirSync(real)) {
    const program = join(import.meta.dirname, "mutant.ts");
    writeFileSync(
      join(path, type),
      `#!/bin/sh\nNODE_COMPILE_CACHE=${cache} exec ${process.execPath} ${program} ${mutation} ${real} ${type} ${version}\n`,
    );
    chmodSync(join(path, type), 0o755);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A directory of plugins that do nothing but print a text and end with a status. */
export function dullDirectory(
  types: readonly string[],
  stdout: string,
  status: number,
): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "cni-dull-"));
  for (const type of types) {
    writeFileSync(join(path, type), `#!/bin/sh\nprintf '%s' '${stdout}'\nexit ${status}\n`);
    chmodSync(join(path, type), 0o755);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
