/** The API's reference is what the routes say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { apiDocument, apiPage } from "../../../scripts/api-pages.ts";
import { enterTestHost } from "../../support/test-host.ts";

enterTestHost();
const docs = join(import.meta.dirname, "../../../docs");

test("docs/openapi.json and docs/api.md are current (node scripts/api-docs.ts)", async () => {
  const document = await apiDocument();
  assert.deepEqual(JSON.parse(readFileSync(join(docs, "openapi.json"), "utf8")), document);
  assert.equal(readFileSync(join(docs, "api.md"), "utf8"), apiPage(document));
});

test("every address has a summary", async () => {
  for (const [path, operations] of Object.entries((await apiDocument()).paths)) {
    for (const [method, { summary }] of Object.entries(operations)) assert.ok(summary, `${method} ${path}`);
  }
});
