import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { applicationId, collectionNames, migrate, schemaVersion } from "../../../src/store/migrations.ts";

const pragma = (database: DatabaseSync, name: string) => database.prepare(`PRAGMA ${name}`).get()?.[name];

test("an empty database gets the whole schema, and its marks", () => {
  const database = new DatabaseSync(":memory:");
  migrate(database, 0);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    [...collectionNames].toSorted(),
  );
  assert.deepEqual(
    [pragma(database, "user_version"), pragma(database, "application_id")],
    [schemaVersion, applicationId],
  );
  migrate(database, schemaVersion);
  database.close();
});

test("a migration that fails leaves nothing", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE setting (theirs)");
  assert.throws(() => migrate(database, 0), /already exists/);
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    ["setting"],
  );
  assert.deepEqual([pragma(database, "user_version"), pragma(database, "application_id")], [0, 0]);
  assert.equal(database.isTransaction, false);
  database.close();
});

test("a database of version 1 keeps what it holds, in its order, and gets what came later", () => {
  const database = new DatabaseSync(":memory:");
  const first = ["network", "endpoint", "sandbox", "pool", "address", "intent", "original", "setting"];
  for (const name of first) {
    database.exec(
      `CREATE TABLE ${name} (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL) STRICT`,
    );
    for (const id of ["b", "a"]) {
      database.prepare(`INSERT INTO ${name} (id, document) VALUES (?, ?)`).run(id, JSON.stringify({ id, of: name }));
    }
  }
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1`);
  migrate(database, 1);
  for (const name of first) {
    const rows = database.prepare(`SELECT id, document FROM ${name} ORDER BY sequence`).all();
    assert.deepEqual(
      rows.map(({ id, document }) => [id, document]),
      ["b", "a"].map((id) => [id, JSON.stringify({ id, of: name })]),
    );
  }
  for (const name of collectionNames.filter((one) => !first.includes(one))) {
    assert.equal(database.prepare(`SELECT count(*) AS count FROM ${name}`).get()?.["count"], 0);
  }
  assert.equal(pragma(database, "user_version"), schemaVersion);
  database.close();
});
