/** Writes docs/openapi.json and docs/api.md from the routes' own schemas: `node scripts/api-docs.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiDocument, apiPage } from "./api-pages.ts";

const docs = join(import.meta.dirname, "../docs");
const document = await apiDocument();
writeFileSync(join(docs, "openapi.json"), `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(join(docs, "api.md"), apiPage(document));
