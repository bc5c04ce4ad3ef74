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
