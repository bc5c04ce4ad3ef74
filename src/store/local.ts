/**
 * The local store: SQLite by node:sqlite, a table of JSON documents for each collection. One engine at a time holds it; the lock is the database's own, so
 * the system frees it when its holder is killed.
 */
import { closeSync, existsSync, fdatasync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { PortolanError } from "../errors.ts";
import { checkDatabaseFile, checkVersion, storeError } from "./file-check.ts";
import { collectionNames, migrate } from "./migrations.ts";
import type { CollectionName, StoreChange } from "./records.ts";
import type { Store, StoreState } from "./store.ts";

export interface LocalStoreOptions {
  /** Directory of the database (portolan.db), made with mode 0700 where it is missing; `undefined`: in memory, gone with the process. */
  readonly stateDir: string | undefined;
  /** How long to wait for another engine to let go, milliseconds; default 0. */
  readonly wait?: number;
}

/** Between two looks at a store that another engine holds, milliseconds. */
const retryInterval = 20;

/**
 * Opens the store. Throws `locked` while another engine holds it, and `store` where the file is damaged, foreign or newer; then nothing was changed.
 */
export async function openLocalStore({ stateDir, wait = 0 }: LocalStoreOptions): Promise<Store> {
  if (stateDir === undefined) return createStore(prepared(new DatabaseSync(":memory:"), ":memory:"), ":memory:");
  const path = join(stateDir, "portolan.db");
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storeError(
      path,
      "the state directory cannot be made",
      String(error),
      "check the path and its permissions",
      error,
    );
  }
  checkDatabaseFile(path);
  const giveUp = Date.now() + wait;
  for (;;) {
    try {
      return openOnce(stateDir, path);
    } catch (error) {
      if (!(error instanceof PortolanError && error.code === "locked") || Date.now() >= giveUp) throw error;
      await sleep(retryInterval);
    }
  }
}

/**
 * Memory for pages of the database, KiB, a quarter of SQLite's own choice: everything is read once at the start and only written from then on, so that the cache holds
 * little that is wanted again.
 */
const cacheSize = 512;

/** Beside the database stands who holds it, for the error that another engine gets. */
const holderFile = (stateDir: string): string => join(stateDir, "holder");

function openOnce(stateDir: string, path: string): Store {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // In WAL mode this also keeps the index of the log in our memory instead of a shared file.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    // Not COMMIT: of a new database it would write a first page that is nobody's, which others would take for a foreign program's.
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    const [check] = database.prepare("PRAGMA quick_check(1)").all();
    if (check?.["quick_check"] !== "ok") throw new Error(String(check?.["quick_check"]));
    // A new database gets its schema before it has a log: what file-check.ts looks for has to be in the file itself, even if we are killed next.
    prepared(database, path);
    database.exec("PRAGMA journal_mode = WAL");
    // The disk is waited for by flush(), and before the log is written into the database.
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA cache_size = -${cacheSize}`);
    const store = createStore(database, path, new Log(`${path}-wal`), () =>
      rmSync(holderFile(stateDir), { force: true }),
    );
    writeFileSync(holderFile(stateDir), `${process.pid} ${process.argv.slice(1, 3).join(" ")}\n`);
    return store;
  } catch (error) {
    database?.close();
    throw isBusy(error) ? lockedError(stateDir, path) : openError(path, error);
  }
}

/** SQLITE_BUSY (5) and its extensions. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;

function lockedError(stateDir: string, path: string): PortolanError {
  let holder = "another process";
  try {
    const [pid, ...command] = readFileSync(holderFile(stateDir), "utf8").trim().split(" ");
    holder = `process ${pid} (${command.join(" ")})`;
  } catch {
    // It holds the database already and has not said yet who it is.
  }
  return new PortolanError("locked", "another engine holds the state store", {
    object: `store ${path}`,
    reason: `${holder} has it open`,
    advice: "use that engine by its socket (--socket), stop it, or give another --state-dir",
  });
}

function openError(path: string, error: unknown): PortolanError {
  if (error instanceof PortolanError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const advice = "it was left as it is: restore it from a copy, or move it away to start empty";
  return storeError(path, "the state store cannot be opened", reason, advice, error);
}

/** Brings the schema up to date. */
function prepared(database: DatabaseSync, path: string): DatabaseSync {
  const [row] = database.prepare("PRAGMA user_version").all();
  const version = Number(row?.["user_version"] ?? 0);
  // The file itself may not say so yet, where the newer engine was killed.
  checkVersion(version, path);
  migrate(database, version);
  return database;
}

function unwritable(path: string, error: unknown): PortolanError {
  return new PortolanError("store", "the state store could not be written", {
    object: `store ${path}`,
    reason: error instanceof Error ? error.message : String(error),
    advice: "check that the disk has room and is writable",
    cause: error,
  });
}

/** The write-ahead log, as what brings it to the disk on a thread of Node's pool: SQLite itself would keep everybody waiting for as long. */
class Log {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Without a first commit there is no log yet. */
  async flush(): Promise<void> {
    if (this.#descriptor === undefined && !existsSync(this.#path)) return;
    this.#descriptor ??= openSync(this.#path, "r");
    await flushData(this.#descriptor);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

const flushData = promisify(fdatasync);

interface Statements {
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly all: StatementSync;
}

function createStore(database: DatabaseSync, path: string, log?: Log, onClose?: () => void): Store {
  const statements = new Map<CollectionName, Statements>(
    collectionNames.map((name) => [
      name,
      {
        put: database.prepare(
          `INSERT INTO ${name} (id, document) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET document = excluded.document`,
        ),
        remove: database.prepare(`DELETE FROM ${name} WHERE id = ?`),
        all: database.prepare(`SELECT document FROM ${name} ORDER BY document ->> 'created', id`),
      },
    ]),
  );
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const rollback = database.prepare("ROLLBACK");

  function of(name: CollectionName): Statements {
    const found = statements.get(name);
    if (found === undefined) throw new PortolanError("internal", `the store has no collection "${name}"`);
    return found;
  }

  function write(change: StoreChange): void {
    const { put, remove } = of(change.collection);
    if (change.op === "put") put.run(change.record.id, JSON.stringify(change.record));
    else remove.run(change.id);
  }

  return {
    async load() {
      const state = Object.fromEntries(
        collectionNames.map((name) => [
          name,
          of(name)
            .all.all()
            .map((row) => JSON.parse(String(row["document"]))),
        ]),
      );
      // Only `commit` writes documents, each of its collection's type.
      return state as unknown as StoreState;
    },
    async commit(changes) {
      try {
        begin.run();
        try {
          for (const change of changes) write(change);
          commit.run();
        } catch (error) {
          if (database.isTransaction) rollback.run();
          throw error;
        }
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    async flush() {
      try {
        await log?.flush();
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    async close() {
      if (!database.isOpen) return;
      // Once the database is closed, the file is the next holder's.
      onClose?.();
      database.close();
      log?.close();
    },
  };
}
