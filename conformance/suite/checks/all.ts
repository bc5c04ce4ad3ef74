/** Every check there is. */
import type { Check } from "../check.ts";
import { attachments } from "./attachments.ts";
import { checking } from "./checking.ts";
import { delegations } from "./delegation.ts";
import { envelope } from "./envelope.ts";
import { collection } from "./gc.ts";
import { results } from "./results.ts";
import { traces } from "./traces.ts";

export const allChecks: readonly Check[] = [
  envelope,
  results,
  delegations,
  attachments,
  traces,
  checking,
  collection,
].flat();
