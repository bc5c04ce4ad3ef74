/** Listings kept as documents: what an operation would do, as commands. A change of behaviour shows as a change of their lines. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A part of a listing: a heading and the commands under it. */
export type Section = readonly [heading: string, lines: readonly string[]];

/** Compares with the listing `NAME.txt` beside this file, or with UPDATE_GOLDEN=1 writes it. */
export function assertGolden(name: string, sections: readonly Section[]): void {
  const text = sections
    .map(([heading, lines]) => `# ${heading}\n${lines.map((line) => `${line}\n`).join("")}`)
    .join("\n");
  const file = join(import.meta.dirname, `${name}.txt`);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    writeFileSync(file, text);
    return;
  }
  assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and read what it writes`);
  assert.equal(text, readFileSync(file, "utf8"), `${file} differs: if that is meant, run with UPDATE_GOLDEN=1`);
}
