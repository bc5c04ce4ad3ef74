/** Writes docs/cli.md of the commands in src/cli. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandReference } from "../src/cli/reference.ts";

writeFileSync(join(import.meta.dirname, "../docs/cli.md"), await commandReference());
