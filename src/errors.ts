/**
 * The one error type of the engine. Every failure a caller can meet is a {@link PortolanError} with a stable code;
 * the HTTP status and the CNI code follow from it. Callers ask by code, never by text.
 */

/** Stable codes, what each means, and the HTTP status that the API answers with. */
export const errorCodes = {
  "invalid-argument": { status: 400, meaning: "the request itself is wrong; nothing was changed" },
  "invalid-option": { status: 400, meaning: "a driver or IPAM option is unknown, contradictory or malformed" },
  "not-found": { status: 404, meaning: "no object has that name, id or id prefix" },
  ambiguous: { status: 400, meaning: "several objects match that name or id prefix" },
  exists: { status: 409, meaning: "an object of that name or identity is already there" },
  "in-use": { status: 409, meaning: "the object cannot go while others need it" },
  forbidden: { status: 403, meaning: "the operation is not allowed on this object" },
  "pool-overlap": {
    status: 409,
    meaning: "the subnet overlaps another pool, or a route, address or nameserver of the host",
  },
  "pool-exhausted": { status: 409, meaning: "no pool or address is left" },
  "address-in-use": { status: 409, meaning: "the address is given out already" },
  "address-outside": { status: 400, meaning: "the address lies outside the pool" },
  unsupported: { status: 501, meaning: "this kernel lacks a feature that the object needs" },
  "unknown-driver": { status: 404, meaning: "no driver of that name is registered" },
  kernel: { status: 500, meaning: "the kernel refused a change; everything done before it was undone" },
  store: { status: 500, meaning: "the state store could not be read or written" },
  locked: { status: 423, meaning: "another engine holds the state store" },
  aborted: { status: 499, meaning: "the caller took the request back; everything done before was undone" },
  plugin: { status: 502, meaning: "a plugin of somebody else's refused or failed; the reason is its own words" },
  unavailable: { status: 503, meaning: "the daemon cannot be reached, or is stopping" },
  internal: { status: 500, meaning: "a fault of the engine's own" },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorParts {
  /** The object concerned, in the words the user knows it by: `network "front"`, `link br-4f2c in the host`. */
  readonly object?: string;
  /** The cause in the words of whoever refused: the kernel's errno and extended ack, SQLite's message. */
  readonly reason?: string;
  /** What to do about it, one sentence. */
  readonly advice?: string;
  readonly cause?: unknown;
  /** Errors met while undoing; they never hide the first one. */
  readonly suppressed?: readonly unknown[];
}

/** A failure with parts: what failed, on which object, why, and what to do. */
export class PortolanError extends Error {
  override readonly name = "PortolanError";
  readonly code: ErrorCode;
  readonly object: string | undefined;
  readonly reason: string | undefined;
  readonly advice: string | undefined;
  readonly suppressed: readonly unknown[];

  constructor(code: ErrorCode, message: string, parts: ErrorParts = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.object = parts.object;
    this.reason = parts.reason;
    this.advice = parts.advice;
    this.suppressed = parts.suppressed ?? [];
  }

  /** The HTTP status that belongs to the code. */
  get status(): number {
    return errorCodes[this.code].status;
  }

  toJSON(): ErrorJson {
    return {
      code: this.code,
      message: this.message,
      ...(this.object !== undefined && { object: this.object }),
      ...(this.reason !== undefined && { reason: this.reason }),
      ...(this.advice !== undefined && { advice: this.advice }),
      ...(this.suppressed.length > 0 && { suppressed: this.suppressed.map(wordsOf) }),
    };
  }
}

/** The form an error takes on the wire and between threads. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly object?: string;
  readonly reason?: string;
  readonly advice?: string;
  /** The errors met while undoing, in words. */
  readonly suppressed?: readonly string[];
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether `error` is a PortolanError, of that code if one is given. */
export function isPortolanError(error: unknown, code?: ErrorCode): error is PortolanError {
  return error instanceof PortolanError && (code === undefined || error.code === code);
}

/** Rebuilds the error from {@link ErrorJson}; the inverse of `toJSON`. */
export function errorFromJson(json: ErrorJson): PortolanError {
  const { suppressed = [], ...parts } = json;
  return new PortolanError(json.code, json.message, {
    ...parts,
    suppressed: suppressed.map((words) => new Error(words)),
  });
}
