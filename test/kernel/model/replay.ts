/**
 * A host of its own in which printed commands are run: reads what to run as JSON ({@link Replay}), prints the state it comes to as JSON. Started in the
 * network and mount namespaces of a test, it leaves them first.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { enterTestHost, exec } from "../../support/test-host.ts";
import { wholeState, withoutChance } from "../../support/whole-state.ts";
import { operations } from "./operations/index.ts";
import { makeForeign } from "./operations/operation.ts";

export interface Replay {
  readonly runDir: string;
  /** Commands that make what the operation works on. */
  readonly before: readonly string[];
  /** The operation before which there is damage done, and the namespace of the sandbox to do it to. */
  readonly damaged?: { readonly operation: string; readonly namespace: string };
  /** Commands of the operation. */
  readonly commands: readonly string[];
}

// Written by explain.test.ts alone.
const { runDir, before, damaged, commands } = JSON.parse(readFileSync(0, "utf8")) as Replay;
enterTestHost();
makeForeign();
mkdirSync(dirname(runDir), { recursive: true });
mkdirSync(runDir);
exec("sh", "-e", "-c", before.join("\n"));
operations.find(({ name }) => name === damaged?.operation)?.damage?.(damaged?.namespace ?? "");
exec("sh", "-e", "-c", commands.join("\n"));
process.stdout.write(JSON.stringify(withoutChance(wholeState(runDir))));
