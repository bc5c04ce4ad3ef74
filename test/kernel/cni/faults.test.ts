/** Calls of CNI plugins fail at each of their changes to kernel and store in turn: nothing has changed, and the error says what failed. */
import { test } from "node:test";
import { enterTestHost } from "../../support/test-host.ts";
import { failAtEachChange } from "../model/failing.ts";
import { attachmentOperations, stepsOf } from "../model/operations/attachments/index.ts";
import { makeForeign } from "../model/operations/operation.ts";

enterTestHost();
makeForeign();

for (const [number, operation] of attachmentOperations.entries()) {
  test(`${operation.name}: fails at each change, and nothing has changed`, (t) =>
    failAtEachChange(t, operation, stepsOf(number)));
}
