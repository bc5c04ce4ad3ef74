/** The schema and how older ones become it: an ordered list, each step run once, in one transaction with the others. */

import type { DatabaseSync } from "node:sqlite";
import type { CollectionName } from "./records.ts";

/** "port" in ASCII, in the database's header (PRAGMA application_id): tells our files from anybody else's. */
export const applicationId = 0x706f7274;

/** Every collection has a table of its name. */
export const collectionNames: readonly CollectionName[] = [
  "network",
  "endpoint",
  "sandbox",
  "pool",
  "address",
  "intent",
  "original",
  "setting",
  "reservation",
  "departure",
];

/** Those of the first schema. */
const firstCollections = collectionNames.filter((name) => name !== "reservation" && name !== "departure");

type Migration = (database: DatabaseSync) => void;

/** Step N brings version N to version N + 1. */
const migrations: readonly Migration[] = [
  (database) => {
    for (const name of firstCollections) createTable(database, name);
  },
  (database) => createTable(database, "reservation"),
  (database) => createTable(database, "departure"),
];

function createTable(database: DatabaseSync, name: CollectionName): void {
  database.exec(
    `CREATE TABLE ${name} (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT NOT NULL) STRICT`,
  );
}

/** The version of the schema that this engine writes (PRAGMA user_version). */
export const schemaVersion = migrations.length;

/** Brings a database of `version` to {@link schemaVersion}. */
export function migrate(database: DatabaseSync, version: number): void {
  if (version === schemaVersion) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of migrations.slice(version)) migration(database);
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(`PRAGMA user_version = ${schemaVersion}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
