/** What a check of doctor is. */
import type { FeatureReport } from "../../kernel/features.ts";
import type { Context } from "../context.ts";
import type { Problem } from "../types.ts";

/** What checks look at. */
export interface Examination {
  readonly context: Context;
  readonly features: FeatureReport;
  /** Why the kernel could not be made as described at the start; undefined where it could. */
  readonly startFailure: unknown;
}

/** Looks at one thing and tells what is not as it should be. Changes nothing. */
export type Check = (examination: Examination) => Promise<readonly Problem[]>;
