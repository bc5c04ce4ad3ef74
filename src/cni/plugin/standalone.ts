/** A plugin's call in a process of its own, where no daemon runs: the same work under the store's lock. */
import { createController } from "../../model/controller.ts";
import { type Answer, answer } from "./answer.ts";
import type { Execution } from "./call.ts";

/** How long other processes' calls are waited for, milliseconds. */
const patience = 60_000;

export interface StandaloneOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly publishAddress?: string;
}

/** Carries a call out on an engine of this process's own; throws what opening it throws. */
export async function answerAlone(execution: Execution, options: StandaloneOptions): Promise<Answer> {
  await using controller = await createController({
    ...options,
    services: false,
    mending: "interrupted",
    wait: patience,
  });
  const answered = await answer(execution, controller.attachments);
  await controller.settle();
  return answered;
}
