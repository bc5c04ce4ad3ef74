/** Every check there is. */
import type { Check } from "../check.ts";
import { attachments } from "./attachments.ts";
import { capabilities } from "./capabilities.ts";
import { chains } from "./chains.ts";
import { changes } from "./changes.ts";
import { checking } from "./checking.ts";
import { concurrency } from "./concurrency.ts";
import { delegations } from "./delegation.ts";
import { envelope } from "./envelope.ts";
import { everyType } from "./every-type.ts";
import { collection } from "./gc.ts";
import { ipam, statics } from "./ipam.ts";
import { links } from "./links.ts";
import { ports } from "./ports.ts";
import { results } from "./results.ts";
import { traces } from "./traces.ts";

/** All checks, in the order of reports. */
export const allChecks: readonly Check[] = [
  envelope,
  everyType,
  results,
  delegations,
  capabilities,
  chains,
  attachments,
  traces,
  checking,
  collection,
  concurrency,
  ports,
  ipam,
  statics,
  links,
  changes,
].flat();
