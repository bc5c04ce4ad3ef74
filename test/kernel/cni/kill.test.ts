/** Calls of CNI plugins are killed (SIGKILL) at each of their changes in turn: the next start finds them done or not begun, and what a runtime does next comes to its end. */
import { test } from "node:test";
import { enterTestHost } from "../../support/test-host.ts";
import { killAtEachChange } from "../model/killing.ts";
import { attachmentOperations, stepsOf } from "../model/operations/attachments/index.ts";
import { makeForeign } from "../model/operations/operation.ts";

enterTestHost();
makeForeign();

for (const [number, operation] of attachmentOperations.entries()) {
  test(`${operation.name}: killed at each change, the next start and DEL leave nothing`, (t) =>
    killAtEachChange(t, operation, stepsOf(number)));
}
