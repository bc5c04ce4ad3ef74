/**
 * Builds dist/ where a source is newer than the last build (`--force`: always): from src/ with tsc, and from shim/ the plugin that runtimes start, where a C
 * compiler is there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

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
