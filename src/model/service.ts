/** What goes on for as long as the process lives, beside the operations: none of it is needed by a single command. */
import type { Problem } from "./types.ts";

export interface Service {
  /** Begins with everything that is there. It hears of what comes and goes by `Records.watch` and `Context.followers`. */
  start(): Promise<void>;
  /** What is not as it should be. */
  problems(): readonly Problem[];
  close(): Promise<void>;
}
