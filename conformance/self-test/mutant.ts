/**
 * A plugin with a fault: `node mutant.ts MUTATION DIRECTORY TYPE [VERSION]` runs the plugin of that directory with one thing wrong, and brought to 1.1.0 where that version is
 * named.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { MutantCall, Mutation } from "./mutation.ts";
import { mutations } from "./mutations.ts";
import { newer, real } from "./newer.ts";

const [name = "", directory = "", type = "", version = "1.0.0"] = process.argv.slice(2);
/** "none" is how a plugin without a fault is run in the same way. */
const mutation: Mutation | undefined = name === "none" ? { fault: "has no fault", noticed: [] } : mutations[name];
if (mutation === undefined) throw new Error(`there is no mutation "${name}"`);

const environment = Object.fromEntries(
  Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
);
const call: MutantCall = {
  type,
  command: environment["CNI_COMMAND"] ?? "",
  environment,
  stdin: readFileSync(0, "utf8"),
};

const plugin = version === "1.1.0" ? newer : real;
const answer = mutation.instead?.(call) ?? plugin(mutation.given?.(call) ?? call, directory);
const told = mutation.answered?.(answer, call) ?? answer;
const lines = mutation.afterwards?.(call);
if (lines !== undefined) spawnSync("/bin/sh", ["-c", lines], { stdio: "ignore" });
process.stderr.write(told.stderr ?? "");
process.stdout.write(told.stdout);
process.exitCode = told.status;
