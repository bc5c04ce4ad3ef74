import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { isPortolanError, type PortolanError } from "../../../src/errors.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { applicationId, collectionNames, schemaVersion } from "../../../src/store/migrations.ts";
import type { StoreChange } from "../../../src/store/records.ts";
import type { Store } from "../../../src/store/store.ts";

/** A state directory that goes with the test. */
function temporary(): Disposable & { readonly path: string; readonly database: string } {
  const path = mkdtempSync(join(tmpdir(), "portolan-store-"));
  const database = join(path, "portolan.db");
  return { path, database, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const put = (id: string, value = ""): StoreChange => ({ op: "put", collection: "setting", record: { id, value } });
const remove = (id: string): StoreChange => ({ op: "delete", collection: "setting", id });
const settings = async (store: Store) => (await store.load()).setting;

/** What opening the directory is refused with. */
async function refusal(stateDir: string): Promise<PortolanError> {
  const error = await openLocalStore({ stateDir }).then(
    async (store) => {
      await store.close();
      assert.fail("it was opened");
    },
    (reason: unknown) => reason,
  );
  assert.ok(isPortolanError(error), String(error));
  return error;
}

test("a new store is empty, in a directory that only its owner can look into", async () => {
  using dir = temporary();
  const stateDir = join(dir.path, "a", "b");
  const store = await openLocalStore({ stateDir });
  const state = await store.load();
  assert.deepEqual(Object.keys(state).toSorted(), [...collectionNames].toSorted());
  assert.ok(Object.values(state).every((records) => records.length === 0));
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  await store.close();
});

test("records come back as they were put, by their creation and id", async () => {
  using dir = temporary();
  const records: readonly StoreChange[] = [
    put("z", "ünï\u0000\n\"'"),
    put("a", "1"),
    {
      op: "put",
      collection: "pool",
      record: { id: "p", driver: "default", addressSpace: "local", subnet: parseSubnet("10.1.0.0/24") },
    },
    put("m"),
  ];
  let store = await openLocalStore({ stateDir: dir.path });
  await store.commit(records);
  await store.commit([put("a", "2")]);
  await store.close();
  store = await openLocalStore({ stateDir: dir.path });
  assert.deepEqual(await settings(store), [
    { id: "a", value: "2" },
    { id: "m", value: "" },
    { id: "z", value: "ünï\u0000\n\"'" },
  ]);
  assert.equal((await store.load()).pool[0]?.subnet, "10.1.0.0/24");
  await store.commit([remove("m"), remove("none"), put("m")]);
  assert.deepEqual(
    (await settings(store)).map(({ id }) => id),
    ["a", "m", "z"],
  );
  await store.close();
  await store.close();
});

test("a commit with a record that cannot be written writes nothing", async () => {
  using dir = temporary();
  const store = await openLocalStore({ stateDir: dir.path });
  await store.commit([put("a")]);
  const bad = { id: "bad", value: 1n as unknown as string }; // JSON has no bigint: stands for any failure in the middle
  const commit = store.commit([remove("a"), put("b"), { op: "put", collection: "setting", record: bad }, put("c")]);
  await assert.rejects(commit, (error) => isPortolanError(error, "store") && /BigInt/.test(error.reason ?? ""));
  assert.deepEqual(
    (await settings(store)).map(({ id }) => id),
    ["a"],
  );
  await store.commit([put("d")]);
  await store.flush();
  assert.deepEqual(
    (await settings(store)).map(({ id }) => id),
    ["a", "d"],
  );
  await store.close();
});

const sorted = (model: ReadonlyMap<string, unknown>): readonly unknown[] =>
  [...model].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);

test("any commits leave what a map would hold, also for who opens the store later", async () => {
  using dir = temporary();
  const id = fc.constantFrom("a", "b", "c", "d");
  const change = fc.oneof(
    fc.tuple(id, fc.string()).map(([name, value]) => put(name, value)),
    id.map(remove),
  );
  const commits = fc.array(fc.tuple(fc.array(change, { maxLength: 5 }), fc.boolean()), { maxLength: 6 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(commits, async (all) => {
      run++;
      const stateDir = run % 4 === 0 ? join(dir.path, String(run)) : undefined;
      const model = new Map<string, unknown>();
      const store = await openLocalStore({ stateDir });
      for (const [changes, durable] of all) {
        await store.commit(changes);
        if (durable) await store.flush();
        for (const one of changes) {
          if (one.op === "put") model.set(one.record.id, one.record);
          else model.delete(one.id);
        }
        assert.deepEqual(await settings(store), sorted(model));
      }
      await store.close();
      if (stateDir === undefined) return;
      const later = await openLocalStore({ stateDir });
      assert.deepEqual(await settings(later), sorted(model));
      await later.close();
    }),
    { numRuns: 60 },
  );
});

/** A program that opens the store, commits without end, and says what it has committed. */
const holder = `
import { openLocalStore } from ${JSON.stringify(new URL("../../../src/store/local.ts", import.meta.url).href)};
const store = await openLocalStore({ stateDir: process.argv[2] });
for (let i = 1; ; i++) {
  const changes = [1, 2, 3].map((n) => ({ op: "put", collection: "setting", record: { id: "n" + n, value: String(i) } }));
  await store.commit(changes);
  if (i % 2 === 0) await store.flush();
  process.stdout.write(i + "\\n");
  if (i === 20) await new Promise((resolve) => process.stdin.once("data", resolve));
}`;

async function startHolder(path: string): Promise<ChildProcess> {
  const script = join(path, "holder.mts");
  writeFileSync(script, holder);
  const child = spawn(process.execPath, [script, join(path, "state")], { stdio: ["pipe", "pipe", "inherit"] });
  let told = "";
  while (!told.includes("20\n")) {
    const [chunk] = await once(child.stdout ?? assert.fail(), "data");
    told += String(chunk);
  }
  return child;
}

test("a store that another process holds is refused, naming the process, and free once it is killed", async () => {
  using dir = temporary();
  const stateDir = join(dir.path, "state");
  const child = await startHolder(dir.path);
  try {
    const error = await refusal(stateDir);
    assert.equal(error.code, "locked");
    assert.match(error.reason ?? "", new RegExp(`^process ${child.pid} \\(.*holder\\.mts`));
    assert.match(error.object ?? "", /portolan\.db$/);
    // Who waits gets it when the other one has gone, and what it had committed is whole.
    const waiting = openLocalStore({ stateDir, wait: 60_000 });
    child.stdin?.write("\n");
    child.kill("SIGKILL");
    const store = await waiting;
    const found = await settings(store);
    assert.equal(found.length, 3);
    assert.equal(new Set(found.map(({ value }) => value)).size, 1);
    assert.ok(Number(found[0]?.value) >= 20);
    await store.close();
    assert.equal(existsSync(join(stateDir, "holder")), false);
  } finally {
    child.kill("SIGKILL");
  }
});

/** A directory as it would be if the engine were killed now. */
function asKilled(from: string, into: string): string {
  cpSync(from, into, { recursive: true });
  return into;
}

test("a store whose first engine is killed at once is whole for the next one", async () => {
  using dir = temporary();
  const stateDir = join(dir.path, "state");
  const first = await openLocalStore({ stateDir });
  const empty = await openLocalStore({ stateDir: asKilled(stateDir, join(dir.path, "empty")) });
  assert.deepEqual(await settings(empty), []);
  await first.commit([put("a")]);
  const filled = await openLocalStore({ stateDir: asKilled(stateDir, join(dir.path, "filled")) });
  assert.equal((await settings(filled)).length, 1);
  await Promise.all([first.close(), empty.close(), filled.close()]);
});

test("a store of a newer engine that was killed is refused, although its file does not say so yet", async () => {
  using dir = temporary();
  const stateDir = join(dir.path, "state");
  await filled(stateDir);
  const newer = new DatabaseSync(join(stateDir, "portolan.db"));
  newer.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
  const copy = asKilled(stateDir, join(dir.path, "copy"));
  newer.close();
  assert.equal(readFileSync(join(copy, "portolan.db")).readUInt32BE(60), schemaVersion);
  for (let i = 0; i < 2; i++) assert.match((await refusal(copy)).message, /newer/);
});

test("in one process, too, a store is open once", async () => {
  using dir = temporary();
  const store = await openLocalStore({ stateDir: dir.path });
  assert.equal((await refusal(dir.path)).code, "locked");
  assert.equal((await openLocalStore({ stateDir: dir.path, wait: 50 }).catch((error) => error)).code, "locked");
  await store.commit([put("a")]);
  await store.close();
  const again = await openLocalStore({ stateDir: dir.path });
  assert.equal((await settings(again)).length, 1);
  await again.close();
});

test("stores in memory know nothing of each other", async () => {
  const [one, other] = [await openLocalStore({ stateDir: undefined }), await openLocalStore({ stateDir: undefined })];
  await one.commit([put("a")]);
  assert.deepEqual(await settings(other), []);
  await one.close();
  await other.close();
});

/** A closed store with some records. */
async function filled(path: string): Promise<void> {
  const store = await openLocalStore({ stateDir: path });
  await store.commit(Array.from({ length: 200 }, (_, i) => put(`id ${i}`, "x".repeat(100))));
  await store.close();
}

const bytesOf = (path: string) => readdirSync(path).map((name) => [name, readFileSync(join(path, name), "hex")]);

/** What can be in the place of the database; each is refused, and left as it is. */
const spoilt: readonly (readonly [string, RegExp, (database: string) => void])[] = [
  ["a text file", /no database/, (path) => writeFileSync(path, "hello\n")],
  ["a short file", /no database/, (path) => writeFileSync(path, readFileSync(path).subarray(0, 50))],
  ["zeros", /no database/, (path) => writeFileSync(path, new Uint8Array(8192))],
  [
    "another program's database",
    /another program/,
    (path) => {
      rmSync(path);
      const database = new DatabaseSync(path);
      database.exec("CREATE TABLE theirs (a)");
      database.close();
    },
  ],
  [
    "a newer version's database",
    /newer/,
    (path) => {
      const database = new DatabaseSync(path);
      database.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
      database.close();
    },
  ],
  [
    "a database with a damaged page",
    /cannot be opened/,
    (path) => {
      const bytes = readFileSync(path);
      bytes.fill(0x5a, 4096, 4096 * 4);
      writeFileSync(path, bytes);
    },
  ],
  [
    "a database cut off in the middle",
    /cannot be opened/,
    (path) => writeFileSync(path, readFileSync(path).subarray(0, 4096 * 3)),
  ],
];

for (const [what, message, spoil] of spoilt) {
  test(`${what} in the place of the store is refused and left as it is`, async () => {
    using dir = temporary();
    await filled(dir.path);
    spoil(dir.database);
    const before = bytesOf(dir.path);
    for (let i = 0; i < 2; i++) {
      const error = await refusal(dir.path);
      assert.equal(error.code, "store");
      assert.match(error.message, message);
      assert.ok(error.object?.includes(dir.database) && error.reason && error.advice);
    }
    assert.deepEqual(bytesOf(dir.path), before);
  });
}

test("a directory in the place of the store is refused", async () => {
  using dir = temporary();
  mkdirSync(dir.database);
  assert.equal((await refusal(dir.path)).code, "store");
});

test("a state directory that cannot be made is refused", async () => {
  using dir = temporary();
  writeFileSync(join(dir.path, "file"), "");
  const error = await refusal(join(dir.path, "file", "state"));
  assert.deepEqual([error.code, error.message], ["store", "the state directory cannot be made"]);
});

test("an empty file is a store that was never written", async () => {
  using dir = temporary();
  writeFileSync(dir.database, "");
  chmodSync(dir.database, 0o600);
  const store = await openLocalStore({ stateDir: dir.path });
  assert.deepEqual(await settings(store), []);
  await store.close();
});

test("the file says whose it is and which version it has", async () => {
  using dir = temporary();
  await filled(dir.path);
  const header = readFileSync(dir.database);
  assert.equal(header.readUInt32BE(68), applicationId);
  assert.equal(header.readUInt32BE(60), schemaVersion);
});

test("damage anywhere is refused or does no harm", async () => {
  using dir = temporary();
  await filled(dir.path);
  const whole = readFileSync(dir.database);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ flip;
      writeFileSync(dir.database, bytes);
      try {
        const store = await openLocalStore({ stateDir: dir.path });
        await store.load().catch((error: unknown) => assert.ok(error instanceof Error));
        await store.close();
      } catch (error) {
        assert.ok(isPortolanError(error, "store"), String(error));
      }
    }),
    { numRuns: 60 },
  );
});

/** Opens the store when it is told to, and says what came of it. */
const opener = `
import { openLocalStore } from ${JSON.stringify(new URL("../../../src/store/local.ts", import.meta.url).href)};
process.stdout.write("ready\\n");
process.stdin.once("data", async () => {
  try {
    const store = await openLocalStore({ stateDir: process.argv[1], wait: 30_000 });
    await store.commit([{ op: "put", collection: "setting", record: { id: String(process.pid), value: "" } }]);
    await store.close();
    process.stdout.write("opened");
  } catch (error) {
    process.stdout.write(String(error));
  }
  process.stdin.destroy();
});
`;

/** Starts a process that waits for a line on its standard input; what it says after that line. */
async function startOpener(stateDir: string): Promise<() => Promise<string>> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", opener, stateDir], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const output = child.stdout ?? assert.fail();
  await once(output, "data");
  return async () => {
    let said = "";
    output.on("data", (chunk) => {
      said += String(chunk);
    });
    child.stdin?.write("go\n");
    await once(child, "close");
    return said;
  };
}

test("many processes that open a new store at once all get it, one after another", async () => {
  for (let round = 0; round < 3; round++) {
    using dir = temporary();
    const openers = await Promise.all(Array.from({ length: 8 }, () => startOpener(join(dir.path, "state"))));
    assert.deepEqual(
      await Promise.all(openers.map((open) => open())),
      openers.map(() => "opened"),
    );
    const store = await openLocalStore({ stateDir: join(dir.path, "state") });
    assert.equal((await settings(store)).length, openers.length);
    await store.close();
  }
});

test("a database in which nothing was made yet is a new one", async () => {
  using dir = temporary();
  const empty = new DatabaseSync(dir.database);
  empty.exec("BEGIN IMMEDIATE; COMMIT");
  empty.close();
  assert.ok(statSync(dir.database).size > 0);
  const store = await openLocalStore({ stateDir: dir.path });
  assert.deepEqual(await settings(store), []);
  await store.close();
});
