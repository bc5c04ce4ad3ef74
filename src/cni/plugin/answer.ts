/** A plugin's call from the runtime's words to the answer: what is printed, and the status it ends with. */
import { isPortolanError, type PortolanError } from "../../errors.ts";
import type { Attachments } from "../../model/attachment-types.ts";
import { CniError, cniCode, errorJson } from "../protocol/cni-error.ts";
import { resultJson } from "../protocol/result.ts";
import { readVersion, versionAnswer } from "../protocol/version.ts";
import { type Execution, readCall, versionForErrors } from "./call.ts";
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
    return { status: 1, output: `${JSON.stringify(errorJson(asCniError(error), knownVersion(execution)))}\n` };
  }
}

/** The version of the answer: what the request says, as long as it is one. */
function knownVersion(execution: Execution): string | undefined {
  try {
    return readVersion(versionForErrors(execution));
  } catch {
    return undefined;
  }
}

async function carryOut(execution: Execution, attachments: Attachments): Promise<string> {
  const plugin = plugins.get(execution.type);
  if (plugin === undefined) throw new CniError(cniCode.other, `there is no plugin of type "${execution.type}"`);
  const read = await readCall(execution, attachments);
  switch (read.command) {
    case "VERSION":
      return `${JSON.stringify(versionAnswer)}\n`;
    case "ADD":
      return `${JSON.stringify(resultJson(await plugin.add(read.call), read.call.version))}\n`;
    case "DEL":
      await plugin.del?.(read.call);
      return "";
    case "CHECK":
      await plugin.check?.(read.call);
      return "";
    case "GC":
      await plugin.gc?.(read.call);
      return "";
    case "STATUS":
      await plugin.status?.(read.call);
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
