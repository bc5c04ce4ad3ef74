/**
 * Every operation of the library is killed (SIGKILL) before each call that changes kernel or store in turn, and once more right behind the last. The engine
 * that starts next finds the state as before the operation or makes it as after, and the one after that changes nothing.
 */
import { test } from "node:test";
import { enterTestHost } from "../../support/test-host.ts";
import { killAtEachChange, start } from "./killing.ts";
import { operations } from "./operations/index.ts";
import { makeForeign } from "./operations/operation.ts";

enterTestHost();
makeForeign();

for (const operation of [...operations, start]) {
  test(`${operation.name}: killed at each change, the next start finds it done or not begun`, (t) =>
    killAtEachChange(t, operation));
}
