/** Executing another plugin in the midst of a call, as a runtime would (SPEC.md, "Section 4: Plugin Delegation"). */
import { statSync } from "node:fs";
import { join } from "node:path";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, readResult } from "../protocol/result.ts";
import type { BaseCall } from "./call.ts";

/** The executable of a type in the directories of the call's path; undefined where there is none. Throws CniError for a type that is none. */
export function findPlugin(path: readonly string[], type: string): string | undefined {
  if (type === "" || type.includes("/")) throw new CniError(cniCode.other, `invalid plugin name: ${type}`);
  return path.map((folder) => join(folder, type)).find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}

/** The refusal of a type that is in none of the directories. */
export const notFound = (path: readonly string[], type: string): CniError =>
  new CniError(cniCode.other, `failed to find plugin "${type}" in path [${path.join(" ")}]`);

/** Executes a plugin with the call's own environment and configuration; its output. Throws the plugin's error as CniError. */
export async function execute(call: BaseCall, file: string, command: string): Promise<string> {
  // Most calls start no other plugin.
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(file, [], {
    env: { ...call.environment, CNI_COMMAND: command },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const words: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => words.push(chunk));
  // A plugin may end without reading all that it is given.
  child.stdin.on("error", () => undefined);
  child.stdin.end(call.input);
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? 0));
  });
  const text = Buffer.concat(output).toString();
  if (status === 0) return text;
  throw failureOf(file, status, text, Buffer.concat(words).toString());
}

function failureOf(file: string, status: number | string, output: string, words: string): CniError {
  try {
    const { code, msg, details } = JSON.parse(output) as { code?: unknown; msg?: unknown; details?: unknown };
    if (typeof code === "number" && typeof msg === "string") {
      return new CniError(code, msg, typeof details === "string" ? details : undefined);
    }
  } catch {
    // What is no error of the protocol's is told as it is.
  }
  return new CniError(cniCode.other, `${file} ended with ${status}: ${(output.trim() || words.trim()).slice(0, 1000)}`);
}

/** Executes a plugin's ADD; throws CniError where the answer is no result. */
export async function executeAdd(call: BaseCall, file: string): Promise<CniResult> {
  const text = await execute(call, file, "ADD");
  try {
    return readResult(JSON.parse(text));
  } catch (cause) {
    throw new CniError(cniCode.undecodable, `the answer of ${file} is no result`, text.slice(0, 1000), cause);
  }
}
