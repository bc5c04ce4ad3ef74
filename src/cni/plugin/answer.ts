/** A plugin's call from the runtime's words to the answer: what is printed, and the status it ends with. */
import { isPortolanError, type PortolanError } from "../../errors.ts";
import type { Attachments } from "../../model/attachment-types.ts";
import { CniError, cniCode, errorJson } from "../protocol/cni-error.ts";
import { resultJson } from "../protocol/result.ts";
import { readVersion, versionAnswer } from "../protocol/version.ts";
import { type AttachmentCall, type BaseCall, type Execution, placed, readCall, versionForErrors } from "./call.ts";
import type { Plugin } from "./plugin.ts";
import { plugins } from "./registry.ts";

export interface Answer {
  readonly status: 0 | 1;
  /** For standard output. */
  readonly output: string;
}

/** Carries a call out. Every failure is an answer. */
export async function answer(execution: Execution, attachments: Attachments): Promise<Answer> {
  try {
    return { status: 0, output: await carryOut(execution, attachments) };
  } catch (error) {
    return failed(execution, error);
  }
}

/** The answer to a call that failed. */
export const failed = (execution: Execution, error: unknown): Answer => ({
  status: 1,
  output: `${JSON.stringify(errorJson(asCniError(error), knownVersion(execution)))}\n`,
});

/** The version of the answer: what the request says, as long as it is one. */
function knownVersion(execution: Execution): string | undefined {
  try {
    return readVersion(versionForErrors(execution));
  } catch {
    return undefined;
  }
}

/** Carries a call out; what is printed. Throws what the plugin throws. */
export async function carryOut(execution: Execution, attachments: Attachments): Promise<string> {
  const plugin = plugins.get(execution.type);
  if (plugin === undefined) throw new CniError(cniCode.other, `there is no plugin of type "${execution.type}"`);
  const read = readCall(execution, attachments);
  switch (read.command) {
    case "VERSION":
      return `${JSON.stringify(versionAnswer)}\n`;
    case "ADD":
    case "CHECK":
    case "DEL": {
      const { containerId, interfaceName } = read.call.key;
      const turn = { group: groupOf(read.call), member: `${containerId} ${interfaceName}` };
      return attachments.inTurn(turn, () => carryOutFor(plugin, read.command, read.call));
    }
    case "GC":
      await attachments.inTurn({ group: groupOf(read.call) }, async () => plugin.gc?.(read.call));
      return "";
    case "STATUS":
      await plugin.status?.(read.call);
      return "";
  }
}

/**
 * Calls that wait for each other. A runtime that has lost patience kills the plugin and calls DEL, while the engine still carries the ADD out; a call of address management may be one that a
 * plugin's call waits for.
 */
const groupOf = ({ type, network }: BaseCall): string =>
  `${addressManagers.has(type) ? "addresses" : "interfaces"} of ${network}`;

const addressManagers: ReadonlySet<string> = new Set(["host-local", "static"]);

async function carryOutFor(plugin: Plugin, command: "ADD" | "CHECK" | "DEL", call: AttachmentCall): Promise<string> {
  switch (command) {
    case "ADD":
      return `${JSON.stringify(resultJson(await plugin.add(await placed(call)), call.version))}\n`;
    case "CHECK":
      await plugin.check?.(await placed(call));
      return "";
    case "DEL":
      await plugin.del?.(call);
      return "";
  }
}

/** Codes of the protocol for the engine's own; what is not here is a failure of the plugin's own. */
const codes: Partial<Record<PortolanError["code"], number>> = {
  "invalid-argument": cniCode.badConfiguration,
  "invalid-option": cniCode.badConfiguration,
  locked: cniCode.tryAgainLater,
  unavailable: cniCode.tryAgainLater,
};

function asCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  if (!isPortolanError(error))
    return new CniError(cniCode.other, error instanceof Error ? error.message : String(error));
  const { code, message, object, reason, advice } = error;
  const details = [object, reason, advice].filter((part) => part !== undefined).join("; ");
  return new CniError(codes[code] ?? cniCode.other, message, details, error);
}
