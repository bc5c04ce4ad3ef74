/** How a client reaches an engine. */
import { errorCodes, errorFromJson, PortolanError } from "../errors.ts";

/** Where the engine is. */
export interface ClientOptions {
  /** Path of the daemon's socket. */
  readonly socket: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** Address of the host for published ports that name none; absent: all of them. */
  readonly publishAddress?: string;
}

export interface TransportRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the API's prefix, with its query. */
  readonly path: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

export interface Transport {
  /** The answer's value; throws the engine's error, `aborted`, `unavailable`. */
  request(request: TransportRequest): Promise<unknown>;
  /** The lines of an answer as they come, until it ends or the signal aborts. */
  lines(path: string, signal: AbortSignal | undefined): AsyncIterable<string>;
  close(): Promise<void>;
}

/** The value of an answer; throws the error that it tells. */
export function readAnswer(status: number, text: string): unknown {
  let value: unknown;
  try {
    value = text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new PortolanError("unavailable", "the answer is not the engine's", { reason: text.slice(0, 200) });
  }
  if (status < 400) return value;
  throw isErrorJson(value)
    ? errorFromJson(value)
    : new PortolanError("unavailable", `the answer is not the engine's: HTTP status ${status}`);
}

function isErrorJson(value: unknown): value is Parameters<typeof errorFromJson>[0] {
  if (typeof value !== "object" || value === null || !("code" in value) || !("message" in value)) return false;
  return typeof value.code === "string" && Object.hasOwn(errorCodes, value.code);
}

/** The caller took the request back. */
export const abortedError = (cause: unknown): PortolanError =>
  new PortolanError("aborted", "the request was taken back", { cause });
