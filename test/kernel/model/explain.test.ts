/** What `--explain` prints for each operation of the library, run with `ip`, `nft` and `sysctl` in a fresh host, comes to the same state as the operation. */
import { test } from "node:test";
import { enterTestHost, missing } from "../../support/test-host.ts";
import { explainByCommands } from "./explaining.ts";
import { describedOperations } from "./operations/index.ts";
import { makeForeign } from "./operations/operation.ts";

enterTestHost();
makeForeign();

for (const operation of describedOperations) {
  test(`${operation.name}: the printed commands come to the same state`, { skip: missing("nft") }, (t) =>
    explainByCommands(t, operation),
  );
}
