/** Networks that were made for a host that was different. */
import { renewals } from "../renewing.ts";
import type { Check } from "./check.ts";

export const changedHost: Check = async ({ context }) =>
  (await renewals(context)).map(({ before: { name }, why }) => ({
    code: "changed-host",
    severity: "warning",
    title: `network ${name} was made for a host that was different`,
    detail: why,
    advice: "run `portolan reconcile`, or start the engine anew",
  }));
