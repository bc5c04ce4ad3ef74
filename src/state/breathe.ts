/** Long work in turns: others of the thread have theirs in between. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** How long a turn may be, milliseconds. */
const turn = 5;

/** Returns what a long work calls after each of its parts: it waits for the program's next turn when its own has lasted long enough. */
export function createBreather(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < turn) return undefined;
    return nextTurn().then(() => {
      since = performance.now();
    });
  };
}
