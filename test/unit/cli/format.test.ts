import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonText, printInspection, printListing } from "../../../src/cli/format.ts";
import { PortolanError } from "../../../src/errors.ts";
import { recordedOutput } from "./recorded-output.ts";

const rows = [
  { id: "4f2c90d1a7b3c4d5e6f7", name: "front" },
  { id: "9a8b7c6d5e4f3a2b1c0d", name: "back" },
];
const plain = { format: undefined, noTrunc: false, quiet: false };
const columns = ["NETWORK ID", ["NAME", ({ name }: { name: string }) => name]] as const;

const listed = (flags: Partial<typeof plain> | { readonly format: string }): readonly string[] => {
  const output = recordedOutput();
  printListing({ output }, { ...plain, ...flags }, rows, columns);
  return output.lines;
};

test("a listing is a table with short ids", () => {
  assert.deepEqual(listed({}), ["NETWORK ID     NAME", "4f2c90d1a7b3   front", "9a8b7c6d5e4f   back"]);
});

test("--no-trunc shows whole ids", () => {
  assert.equal(listed({ noTrunc: true })[1], "4f2c90d1a7b3c4d5e6f7   front");
});

test("--quiet shows ids alone", () => {
  assert.deepEqual(listed({ quiet: true }), ["4f2c90d1a7b3", "9a8b7c6d5e4f"]);
});

test("--format json is one object a line, with whole ids", () => {
  assert.deepEqual(
    listed({ format: "json" }).map((line) => JSON.parse(line)),
    rows,
  );
});

test("--format takes docker's templates, names in any case", () => {
  assert.deepEqual(listed({ format: "{{.Name}}\\t{{.ID}}" }), [
    "front\t4f2c90d1a7b3c4d5e6f7",
    "back\t9a8b7c6d5e4f3a2b1c0d",
  ]);
  assert.deepEqual(
    listed({ format: "{{json .}}" }),
    rows.map((row) => JSON.stringify(row)),
  );
  assert.throws(() => listed({ format: "{{range .}}" }), { name: "PortolanError", code: "invalid-argument" });
});

test("a bigint in JSON is the number it is, and text that looks like one stays text", () => {
  assert.equal(jsonText({ time: 1767323045000000001n, text: "5n" }), '{"time":1767323045000000001,"text":"5n"}');
});

test("an inspection is a JSON array of what is found; what is not is told and fails it", async () => {
  const output = recordedOutput();
  const find = async (name: string): Promise<unknown> => {
    const found = rows.find((row) => row.name === name);
    if (found === undefined) throw new PortolanError("not-found", `no network "${name}"`);
    return found;
  };
  const status = await printInspection({ output }, { format: undefined }, ["front", "side"], find);
  assert.equal(status, 1);
  assert.deepEqual(JSON.parse(output.lines.join("\n")), [rows[0]]);
  assert.deepEqual(output.notes, ['portolan: no network "side"']);
});
