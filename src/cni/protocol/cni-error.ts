/** Errors as CNI tells them: a number that callers act on, a message, and details (SPEC.md, "Error"). */

/** Numbers of the specification, and those that everybody uses beside them. */
export const cniCode = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  /** The runtime needs not clean up. */
  unknownContainer: 3,
  badEnvironment: 4,
  ioFailure: 5,
  undecodable: 6,
  badConfiguration: 7,
  badNamespace: 8,
  tryAgainLater: 11,
  /** STATUS: no ADD can be served. */
  notAvailable: 50,
  /** STATUS: and what is there already may have limited connectivity. */
  limited: 51,
  /** What the reference plugins use for everything else. */
  other: 999,
} as const;

/** A failure that a runtime is told. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: number;
  readonly details: string | undefined;

  constructor(code: number, message: string, details?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** What is printed of an error, for a request of that version. */
export function errorJson({ code, message, details }: CniError, cniVersion?: string): object {
  return { ...(cniVersion !== undefined && { cniVersion }), code, msg: message, ...(details && { details }) };
}
