/** The suite stands alone: it imports nothing but Node.js and itself. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

test("every import is Node.js' own or lies within the suite", () => {
  const files = globSync("**/*.ts", { cwd: root }).filter((file) => !file.startsWith("dist"));
  assert.ok(files.length > 20);
  for (const file of files)
    for (const [, from = ""] of readFileSync(join(root, file), "utf8").matchAll(/(?:from|import) "([^"]+)"/g)) {
      const inside = from.startsWith(".") && !relative(root, join(root, dirname(file), from)).startsWith("..");
      assert.ok(from.startsWith("node:") || inside, `${file} imports ${from}`);
    }
});
