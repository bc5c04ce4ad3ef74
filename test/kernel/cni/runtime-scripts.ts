/** What tests of the runtime with plugins that are scripts have in common. */
import assert from "node:assert/strict";
import { type ErrorCode, isPortolanError } from "../../../src/errors.ts";
import type { RuntimeScene } from "../../support/cni/runtime-scene.ts";

/** A script for a plugin that is content with everything. */
export const content = (result: string): string => `test "$CNI_COMMAND" != ADD || echo '${result}'`;

/** Whether a failure has a code, and words. */
export function refuses(code: ErrorCode, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isPortolanError(error, code), String(error));
    assert.match(`${error.message} ${error.reason} ${error.advice}`, words);
    return true;
  };
}

/** What was called since the last look, in order. */
export const order = (scene: RuntimeScene): readonly string[] =>
  scene.calls().map(({ command, type }) => `${command} ${type}`);
