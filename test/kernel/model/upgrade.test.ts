/** Stores that earlier versions wrote are taken over. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { enterTestHost, run } from "../../support/test-host.ts";
import { controllerFor, directories } from "./support.ts";

enterTestHost();

/** What a file of earlier/ holds: every table's documents. */
type Documents = Readonly<Record<string, readonly { readonly id: string }[]>>;

/** A database as the first version made it. */
function writeStore1(stateDir: string, documents: Documents): void {
  using database = new DatabaseSync(join(stateDir, "portolan.db"));
  for (const [name, records] of Object.entries(documents)) {
    database.exec(
      `CREATE TABLE ${name} (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL) STRICT`,
    );
    const insert = database.prepare(`INSERT INTO ${name} (id, document) VALUES (?, ?)`);
    for (const record of records) insert.run(record.id, JSON.stringify(record));
  }
  database.exec("PRAGMA application_id = 0x706f7274");
  database.exec("PRAGMA user_version = 1");
}

test("networks, sandboxes and endpoints of the first version are there, as they were", async (t) => {
  const where = directories(t);
  const file = readFileSync(join(import.meta.dirname, "earlier/store-1.json"), "utf8");
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  // Sandboxes live until the machine is started anew.
  writeStore1(where.stateDir, JSON.parse(file.replaceAll("THIS BOOT", bootId)));
  const controller = await controllerFor(t, where);
  assert.deepEqual(
    controller.networks().map(({ name, driver }) => `${name} ${driver}`),
    ["bridge bridge", "host host", "none none", "front bridge", "inner bridge", "settings bridge"],
  );
  const { namespace, endpoints, hostname } = controller.sandbox("web").info();
  assert.equal(hostname, "web");
  assert.deepEqual(
    endpoints.map(({ network }) => network.name),
    ["front", "inner", "bridge"],
  );
  const [one] = endpoints.filter(({ name }) => name === "one");
  const listed = run(`nsenter --net=${namespace} ip -o address show`);
  for (const address of [one?.ipv4, one?.ipv6]) assert.ok(address && listed.includes(` ${address} `), listed);
  assert.deepEqual((await controller.reconcile()).plan, []);
  assert.deepEqual((await controller.doctor()).problems, []);
  await controller.connect(controller.network("front"), await controller.createSandbox({ name: "late" }), {
    publish: ["8080:80"],
  });
});
