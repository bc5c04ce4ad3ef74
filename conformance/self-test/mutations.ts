/** Every fault by its name. */

import { attaching } from "./faults/attaching.ts";
import { collecting } from "./faults/collecting.ts";
import { envelope } from "./faults/envelope.ts";
import { manners } from "./faults/manners.ts";
import { meddling } from "./faults/meddling.ts";
import { numbers } from "./faults/numbers.ts";
import { serving } from "./faults/serving.ts";
import { telling } from "./faults/telling.ts";
import type { Mutation } from "./mutation.ts";

/** All of them: a plugin with each is tried. */
export const mutations: Readonly<Record<string, Mutation>> = {
  ...envelope,
  ...attaching,
  ...telling,
  ...serving,
  ...collecting,
  ...manners,
  ...meddling,
  ...numbers,
};
