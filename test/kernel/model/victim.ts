/**
 * A process that carries one operation out and is killed at a change of its own: started early, it waits for a line with what to do (JSON, {@link Order}).
 * A number beyond the operation's changes kills it right behind the last.
 */
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";
import { Faults } from "../../support/faults.ts";
import { deterministicController, execution } from "./deterministic.ts";
import { attachmentOperations, rareAttachmentOperations } from "./operations/attachments/index.ts";
import { operations } from "./operations/index.ts";
import type { Directories } from "./support.ts";

export interface Order extends Directories {
  /** Name of the operation; `start` for the start of the engine itself. */
  readonly operation: string;
  /** Number of the change at which it is killed. */
  readonly at: number;
}

const die = (): void => {
  process.kill(process.pid, "SIGKILL");
};

// Others keep what they have compiled as they end; this one is killed.
flushCompileCache();

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, "line");
// Written by kill.test.ts alone.
const order = JSON.parse(String(line)) as Order;

const faults = new Faults();
const starting = order.operation === "start";
if (starting) faults.arm({ at: order.at, strike: die });
// What is damaged stays so for the operation to find.
const mending = starting ? "always" : "interrupted";
const controller = await deterministicController(order, faults, execution, { mending });
if (!starting) {
  const operation = [...operations, ...attachmentOperations, ...rareAttachmentOperations].find(
    ({ name }) => name === order.operation,
  );
  if (operation === undefined) throw new Error(`there is no operation "${order.operation}"`);
  await controller.doctor();
  faults.arm({ at: order.at, strike: die });
  await operation.run(controller);
}
die();
