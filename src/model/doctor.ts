/** What is not as it should be, as values: a line each check. */

import { changedHost } from "./checks/changed-host.ts";
import type { Check } from "./checks/check.ts";
import { departures } from "./checks/departures.ts";
import { drift } from "./checks/drift.ts";
import { hostSettings } from "./checks/host-settings.ts";
import { legacyTables } from "./checks/legacy-tables.ts";
import { lostPorts } from "./checks/lost-ports.ts";
import { missingFeatures } from "./checks/missing-features.ts";
import { names } from "./checks/names.ts";
import { notRecovered } from "./checks/not-recovered.ts";
import { othersFirewall } from "./checks/others-firewall.ts";
import { takenPorts } from "./checks/taken-ports.ts";
import type { Context } from "./context.ts";
import type { DoctorReport, Problem } from "./types.ts";

const checks: readonly Check[] = [
  missingFeatures,
  notRecovered,
  lostPorts,
  names,
  departures,
  changedHost,
  drift,
  hostSettings,
  othersFirewall,
  takenPorts,
  legacyTables,
];

/** Looks at the kernel and at what the engine made in it, beside what it knows of itself. Changes nothing. */
export async function examine(context: Context, startFailure: unknown, own: readonly Problem[]): Promise<DoctorReport> {
  const features = await context.engine.features();
  const found = await Promise.all(checks.map((check) => check({ context, features, startFailure })));
  return { features, problems: [...own, ...found.flat()] };
}
