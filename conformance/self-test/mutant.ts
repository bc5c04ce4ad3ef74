/** A plugin with a fault: `node mutant.ts MUTATION DIRECTORY TYPE` runs the plugin of that directory, with one thing wrong. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MutantAnswer, type MutantCall, type Mutation, mutations } from "./mutations.ts";

const [name = "", directory = "", type = ""] = process.argv.slice(2);
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

const answer = mutation.instead?.(call) ?? real(mutation.given?.(call) ?? call);
const told = mutation.answered?.(answer, call) ?? answer;
const lines = mutation.afterwards?.(call);
if (lines !== undefined) spawnSync("/bin/sh", ["-c", lines], { stdio: "ignore" });
process.stderr.write(told.stderr ?? "");
process.stdout.write(told.stdout);
process.exitCode = told.status;

function real(given: MutantCall): MutantAnswer {
  const { status, stdout, stderr } = spawnSync(join(directory, type), {
    env: given.environment,
    input: given.stdin,
    encoding: "utf8",
  });
  return { status: status ?? 1, stdout, stderr };
}
