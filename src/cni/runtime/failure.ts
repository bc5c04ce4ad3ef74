/** Failures of plugins: read from what they print, told as errors of ours. */
import { type ErrorCode, type ErrorParts, PortolanError } from "../../errors.ts";
import { cniCode } from "../protocol/cni-error.ts";

/** What a plugin said. */
export interface PluginWords {
  readonly message: string;
  readonly details?: string;
  /** CNI's number; absent where the plugin gave none. */
  readonly code?: number;
}

/** A plugin's failure: `reason` is what it said, `plugin` who did, `cniCode` its number. */
export class PluginFailure extends PortolanError {
  readonly plugin: string;
  readonly cniCode: number | undefined;

  constructor(code: ErrorCode, message: string, parts: ErrorParts, plugin: string, cniCode: number | undefined) {
    super(code, message, parts);
    this.plugin = plugin;
    this.cniCode = cniCode;
  }
}

/** Makes the failure of what a plugin said; `what` was being done. */
export function pluginFailure(what: string, plugin: string, words: PluginWords, advice?: string): PluginFailure {
  const { message, details, code } = words;
  const told = advice ?? adviceOf(code);
  const parts = {
    object: `plugin "${plugin}"`,
    reason: `${message}${details ? `; ${details}` : ""}${code === undefined ? "" : ` (CNI code ${code})`}`,
    ...(told !== undefined && { advice: told }),
  };
  return new PluginFailure(errorCodeOf(code), `${what}: plugin "${plugin}" failed`, parts, plugin, code);
}

/** A failure with more to know about it. */
export function withMore(error: PortolanError, more: Pick<ErrorParts, "advice" | "suppressed">): PortolanError {
  const { code, message, object, reason, advice, suppressed, cause } = error;
  const parts: ErrorParts = {
    ...(object !== undefined && { object }),
    ...(reason !== undefined && { reason }),
    ...(advice !== undefined && { advice }),
    suppressed,
    cause,
    ...more,
  };
  if (error instanceof PluginFailure) return new PluginFailure(code, message, parts, error.plugin, error.cniCode);
  return new PortolanError(code, message, parts);
}

function errorCodeOf(code: number | undefined): ErrorCode {
  switch (code) {
    case cniCode.incompatibleVersion:
      return "unsupported";
    case cniCode.tryAgainLater:
    case cniCode.notAvailable:
    case cniCode.limited:
      return "unavailable";
    default:
      return "plugin";
  }
}

function adviceOf(code: number | undefined): string | undefined {
  switch (code) {
    case cniCode.tryAgainLater:
      return "try it again a little later";
    case cniCode.badConfiguration:
    case cniCode.unsupportedField:
    case cniCode.undecodable:
      return "mend the network's configuration";
    default:
      return undefined;
  }
}

/** How a process ended. */
export interface Ending {
  readonly status: number | null;
  readonly signal: string | null;
}

/** What a plugin that failed says: the error on its standard output, else the words on its standard error. */
export function readFailure(stdout: string, stderr: string, { status, signal }: Ending): PluginWords {
  const words = stderr.trim();
  const how = signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`;
  if (stdout.trim() === "") return { message: words === "" ? `${how} and said nothing` : words };
  let told: unknown;
  try {
    told = JSON.parse(stdout);
  } catch {
    return { message: `${how} and printed no JSON: ${stdout.trim().slice(0, 400)}` };
  }
  const fields: Readonly<Record<string, unknown>> = typeof told === "object" && told !== null ? { ...told } : {};
  const { msg, details, code } = fields;
  return {
    message: typeof msg === "string" && msg !== "" ? msg : words || `${how} and gave no message`,
    ...(typeof details === "string" && details !== "" && { details }),
    ...(typeof code === "number" && { code }),
  };
}
