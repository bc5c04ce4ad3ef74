/** The error that CNI knows: a number that runtimes act on, a message, details. CNI 1.1 "Error". */

/** The numbers that the specification gives meaning to, and 999, what Go plugins answer for everything else. */
export const cniErrorCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  decoding: 6,
  invalidNetworkConfig: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  notAvailable: 50,
  limitedConnectivity: 51,
  /** The first of the numbers that a plugin gives meaning to by itself. */
  plugin: 100,
  internal: 999,
} as const;

/** The form of an error on a plugin's standard output. */
export interface CniErrorJson {
  readonly cniVersion?: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** A refusal in CNI's terms. `code` is one of {@link cniErrorCodes}, or a plugin's own from 100. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: number;
  readonly details: string | undefined;

  constructor(code: number, message: string, parts: { readonly details?: string; readonly cause?: unknown } = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.details = parts.details;
  }

  /** The envelope to print; `cniVersion` is the request's, absent where it could not be read. */
  toEnvelope(cniVersion?: string): CniErrorJson {
    return {
      ...(cniVersion !== undefined && { cniVersion }),
      code: this.code,
      msg: this.message,
      ...(this.details !== undefined && { details: this.details }),
    };
  }
}
