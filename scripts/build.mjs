/**
 * Builds dist/ where a source is newer than the last build (`--force`: always): from src/ with tsc, and from shim/ the plugin that runtimes start, where a C
 * compiler is there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const stamp = join(dist, ".built");

const sources = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "src", "shim"].map(
  (name) => join(root, name),
);
for (const folder of ["src", "shim"]) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    sources.push(join(entry.parentPath, entry.name));
  }
}
const builtAt = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
// A removed or renamed file changes its folder's time, and folders are among the entries.
const outOfDate = sources.some((path) => statSync(path).mtimeMs > builtAt);

if (outOfDate || process.argv.includes("--force")) {
  console.log("building dist/ (tsc)");
  const startedAt = new Date();
  rmSync(dist, { recursive: true, force: true });
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const { status } = spawnSync(tsc, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  await keepValues(join(dist, "api", "schemas.js"));
  buildPlugin(join(dist, "portolan-cni"));
  await joinModules(join(dist, "cni", "plugin", "standalone.js"));
  await joinProgram(join(dist, "cli"), "alone");
  writeFileSync(stamp, `${startedAt.toISOString()}\n`);
}

/**
 * Replaces a module of constants by their values. The schemas' library takes 25 MB of memory and as many milliseconds to load; the running engine needs
 * what it made only.
 */
async function keepValues(path) {
  const constants = Object.entries(await import(pathToFileURL(path).href));
  const lines = constants.map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`);
  writeFileSync(path, lines.join(""));
}

/**
 * Compiles the plugin, without a C library (shim/system.h says why). Without a compiler for it `portolan cni install` writes a launcher for Node.js instead.
 */
function buildPlugin(path) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const files = readdirSync(join(root, "shim")).filter((name) => name.endsWith(".c"));
  const options = [
    "-std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE",
    "-ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pie",
    "-nostdlib -static -no-pie -s -Wl,--build-id=none",
  ].flatMap((line) => line.split(" "));
  const args = [...options, `-DPORTOLAN_VERSION="${version}"`, "-o", path, ...files];
  for (const compiler of ["cc", "gcc", "clang", "musl-gcc"]) {
    const { status, error } = spawnSync(compiler, args, {
      cwd: join(root, "shim"),
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (error === undefined && status === 0) return;
    if (error === undefined) console.warn(`${compiler} cannot build the CNI plugin`);
  }
}

/**
 * Puts a module and all that it imports into its one file: what does a CNI call without a daemon is started for each call, and finding and reading 250 files takes
 * longer than the call. Errors stay a module of their own, because callers ask for their class. No thread is started from there, whose file would be looked
 * for beside it.
 */
async function joinModules(path) {
  const rolldown = await import("rolldown").catch(() => undefined);
  if (rolldown === undefined)
    return console.warn(`rolldown is not installed: ${path} keeps its imports, which makes it slow to start`);
  const errors = join(dist, "errors.js");
  const joined = await rolldown.rolldown({
    input: path,
    platform: "node",
    external: (id, _, resolved) => id.startsWith("node:") || id === "koffi" || (resolved && id === errors),
  });
  await joined.write({ file: path, format: "esm", codeSplitting: false, comments: false });
  await joined.close();
}

/**
 * Makes of a module the program NAME.cjs, which starts as soon as Node.js can: one script of all its modules (NAME.joined), and that script compiled as a whole
 * (NAME.cache), which V8 takes where it is the same version and else compiles anew. CommonJS, because an import of a built-in module loads what it exports
 * and a `require` does not. koffi's library is loaded by itself: finding out which of its forty it is takes longer than a call may.
 */
async function joinProgram(folder, name) {
  const rolldown = await import("rolldown").catch(() => undefined);
  if (rolldown === undefined) return console.warn(`rolldown is not installed: ${name}.cjs is not made`);
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", "koffi", "package.json"), "utf8"));
  const library = `
    const machine = process.arch;
    let koffi;
    try {
      koffi = require(\`@koromix/koffi-linux-\${machine}/linux_\${machine}/koffi.node\`);
    } catch {}
    module.exports = koffi?.version === "${version}" ? koffi : require("koffi");`;
  const koffi = "\0koffi";
  const joined = await rolldown.rolldown({
    input: join(folder, `${name}.js`),
    platform: "node",
    external: (id) => id.startsWith("node:"),
    plugins: [
      {
        name: "koffi",
        resolveId: (id, importer) =>
          id === "koffi" ? (importer === koffi ? { id, external: true } : koffi) : undefined,
        load: (id) => (id === koffi ? { code: library, moduleType: "js" } : undefined),
      },
    ],
  });
  const script = join(folder, `${name}.joined`);
  await joined.write({ file: script, format: "cjs", codeSplitting: false, comments: false, minify: false });
  await joined.close();
  const text = readFileSync(script, "utf8");
  // A text of one byte for each letter is read in half the time.
  const plain = text.replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const wrapped = `(function (require, module, __filename, __dirname) {${plain}\n})`;
  writeFileSync(script, wrapped);
  writeFileSync(join(folder, `${name}.cjs`), starter());
  // All of it, at once: later is once for each call.
  setFlagsFromString("--no-lazy");
  const compiled = new Script(wrapped, { filename: script });
  setFlagsFromString("--lazy");
  writeFileSync(join(folder, `${name}.cache`), compiled.createCachedData());
}

/** The program around a joined script. */
function starter() {
  return `"use strict";
const { readFileSync } = require("node:fs");
const script = __filename.replace(/cjs$/, "joined");
let cachedData;
try {
  cachedData = readFileSync(__filename.replace(/cjs$/, "cache"));
} catch {}
const compiled = new (require("node:vm").Script)(readFileSync(script, "latin1"), { filename: script, cachedData });
compiled.runInThisContext()(require, module, __filename, __dirname);
`;
}
