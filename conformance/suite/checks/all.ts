/** Every check there is. */
import type { Check } from "../check.ts";
import { attachments } from "./attachments.ts";
import { bridges } from "./bridges.ts";
import { capabilities } from "./capabilities.ts";
import { chains } from "./chains.ts";
import { changes } from "./changes.ts";
import { checking } from "./checking.ts";
import { concurrency } from "./concurrency.ts";
import { delegations } from "./delegation.ts";
import { devices } from "./devices.ts";
import { envelope } from "./envelope.ts";
import { everyType } from "./every-type.ts";
import { collection } from "./gc.ts";
import { input } from "./input.ts";
import { ipam } from "./ipam.ts";
import { links } from "./links.ts";
import { portLife } from "./port-life.ts";
import { ports } from "./ports.ts";
import { results } from "./results.ts";
import { statics } from "./statics.ts";
import { traces } from "./traces.ts";
import { vlans } from "./vlans.ts";

/** All checks, in the order of reports. */
export const allChecks: readonly Check[] = [
  envelope,
  input,
  everyType,
  results,
  delegations,
  capabilities,
  chains,
  attachments,
  bridges,
  vlans,
  traces,
  checking,
  collection,
  concurrency,
  ports,
  portLife,
  ipam,
  statics,
  links,
  devices,
  changes,
].flat();
