/** A command line that cannot be understood: exit status 2 instead of 1. */
import { PortolanError } from "../errors.ts";

export class UsageError extends PortolanError {
  readonly exitStatus = 2;

  constructor(message: string, advice?: string) {
    super("invalid-argument", message, advice === undefined ? {} : { advice });
  }
}
