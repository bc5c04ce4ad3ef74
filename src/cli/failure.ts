/** How a failure is told: `portolan: what`, why, and what to do; or as JSON; and the exit status that goes with it. */
import { constants } from "node:os";
import { type ErrorJson, isPortolanError, PortolanError } from "../errors.ts";

/** Exit statuses: 0 done, 1 failed, 2 not understood (UsageError); 128 and the signal's number where one ended it. */
export const exitStatus = { failed: 1, signal: 128 } as const;

/** Why a call is taken back: a signal came. */
export class Interrupted extends PortolanError {
  readonly exitStatus: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super("aborted", `ended by ${signal}`);
    this.exitStatus = exitStatus.signal + constants.signals[signal];
  }
}

/** The exit status of an error: its own where it has one. */
export function statusOf(error: unknown): number {
  const own = error instanceof PortolanError && "exitStatus" in error ? error.exitStatus : undefined;
  return typeof own === "number" ? own : exitStatus.failed;
}

/** An error as lines of text. */
export function failureText(error: unknown): string {
  const { message, reason, advice } = known(error);
  const lines = [`portolan: ${message}`];
  if (reason !== undefined && reason !== message) lines.push(...labelled("reason", reason));
  if (advice !== undefined) lines.push(...labelled("advice", advice));
  for (const other of known(error).suppressed) lines.push(...labelled("while undoing", known(other).message));
  return lines.join("\n");
}

/** An error as JSON. */
export function failureJson(error: unknown): ErrorJson {
  return known(error).toJSON();
}

function labelled(label: string, text: string): readonly string[] {
  const [first, ...more] = text.split("\n");
  return [`  ${label}: ${first}`, ...more.map((line) => `    ${line}`)];
}

/** Errors that are not ours are faults of ours; of the system's own words we take the message. */
function known(error: unknown): PortolanError {
  if (isPortolanError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === "EACCES" || code === "EPERM") {
    return new PortolanError("forbidden", message, { cause: error, advice: "run it as root" });
  }
  const stack =
    error instanceof Error
      ? error.stack
          ?.split("\n")
          .slice(1)
          .map((line) => line.trim())
      : undefined;
  return new PortolanError("internal", message, {
    cause: error,
    ...(code === undefined && stack && { reason: stack.slice(0, 4).join("\n") }),
  });
}
