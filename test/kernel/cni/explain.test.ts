/** The commands that are printed for what CNI plugins do come to the same state as the plugins. */
import { test } from "node:test";
import { enterTestHost, missing } from "../../support/test-host.ts";
import { explainByCommands } from "../model/explaining.ts";
import { attachmentOperations } from "../model/operations/attachments/index.ts";
import { makeForeign } from "../model/operations/operation.ts";

enterTestHost();
makeForeign();

// The plugin `firewall` opens the tables of iptables where there are such; its commands would make them.
const explained = attachmentOperations.filter(({ name }) => !name.endsWith("of firewall"));

for (const operation of explained) {
  test(`${operation.name}: the printed commands come to the same state`, { skip: missing("nft") }, (t) =>
    explainByCommands(t, operation),
  );
}
