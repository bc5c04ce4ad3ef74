/** Every check there is. */
import type { Check } from "../check.ts";
import { envelope } from "./envelope.ts";

export const allChecks: readonly Check[] = [envelope].flat();
