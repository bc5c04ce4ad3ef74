import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const architecture = read("docs/architecture.md");

test("the picture in docs/architecture.md fits a screen: 100 columns, 30 lines", () => {
  const picture = architecture.split("```")[1]?.trimEnd().split("\n") ?? [];
  assert.ok(picture.length > 10 && picture.length <= 31, `${picture.length} lines`);
  for (const line of picture) assert.ok([...line].length <= 100, line);
});

test("every file that docs/architecture.md names exists, or its folder does where the name is a blank", () => {
  const paths = [...architecture.matchAll(/`((?:src|test)\/[^`\s]+)`/g)].map((match) => match[1] ?? "");
  assert.ok(paths.length > 10);
  for (const path of paths) {
    const fixed = path.replace(/\[.*?\]/, "").replace(/\/?NAME.*$/, "");
    assert.ok(existsSync(join(root, fixed)), path);
  }
});

test("the example of a driver in docs/architecture.md is the none driver as it is", () => {
  const example = /```ts\n([\s\S]*?)```/.exec(architecture)?.[1];
  assert.equal(example, read("src/drivers/none/index.ts"));
});

test("links between the documents lead somewhere", () => {
  for (const document of ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md", { cwd: root })]) {
    for (const [, target = ""] of read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      assert.ok(existsSync(join(root, dirname(document), target)), `${document}: ${target}`);
    }
  }
});

test("every decision is in the index of docs/decisions", () => {
  const index = read("docs/decisions/README.md");
  for (const page of globSync("docs/decisions/[0-9]*.md", { cwd: root })) {
    const name = page.split("/").at(-1) ?? "";
    assert.ok(index.includes(name), name);
    assert.match(read(page), new RegExp(`^# ${name.slice(0, 4)} `));
  }
});

test("every dependency has its reason in docs/decisions/0011-dependencies.md", () => {
  const manifest: Record<string, Record<string, string>> = JSON.parse(read("package.json"));
  const reasons = read("docs/decisions/0011-dependencies.md");
  for (const group of ["dependencies", "optionalDependencies", "devDependencies"]) {
    for (const name of Object.keys(manifest[group] ?? {})) assert.ok(reasons.includes(name), name);
  }
});
