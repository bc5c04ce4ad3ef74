/** Builds dist/ from src/ with tsc where a source is newer than the last build (`--force`: always). */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const stamp = join(dist, ".built");

const sources = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "src"].map((name) =>
  join(root, name),
);
for (const entry of readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })) {
  sources.push(join(entry.parentPath, entry.name));
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
