import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bridgeOptions } from "../../../src/cli/bridge-options.ts";
import { candidates, type NamesOf } from "../../../src/cli/candidates.ts";
import { cniOptions } from "../../../src/cli/cni-options.ts";
import { commandHelp, groupHelp, programHelp } from "../../../src/cli/help.ts";
import { parseCommand, usageOf } from "../../../src/cli/parse.ts";
import { commandReference } from "../../../src/cli/reference.ts";
import { allCommands, findCommand, registry } from "../../../src/cli/registry.ts";
import { driverNamed } from "../../../src/drivers/registry.ts";

const root = join(import.meta.dirname, "../../..");
const commands = await Promise.all(
  allCommands().map(async ({ path, load }) => ({ path, command: (await load()).command })),
);

for (const { path, command } of commands) {
  const words = path.join(" ");

  test(`help of "${words}" has its usage, its summary, every flag and an example`, () => {
    const help = commandHelp(path, command);
    assert.ok(help.startsWith(`Usage: ${usageOf(path, command)}\n\n${command.summary}.\n`), help);
    for (const { flags } of Object.values(command.flags)) assert.ok(help.includes(flags), flags);
    assert.match(help, /^Examples?:$/m);
    for (const line of help.split("\n")) assert.ok(line.length <= 110, line);
  });

  test(`the examples of "${words}" are lines that the command understands`, () => {
    for (const { line } of command.examples) {
      assert.ok(line.includes("portolan "), line);
      const ours = line
        .slice(line.indexOf("portolan "))
        .replace(/^portolan /, "")
        .replace(/[>)].*$/, "");
      const given = (ours.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ""));
      assert.deepEqual(given.slice(0, path.length), path, line);
      parseCommand(path, command, given.slice(path.length));
    }
  });

  test(`summary and meanings of "${words}" are sentences without a full stop`, () => {
    const sentences = [
      command.summary,
      ...Object.values(command.flags).map(({ meaning }) => meaning),
      ...Object.values(command.arguments).map(({ meaning }) => meaning),
    ];
    for (const sentence of sentences) assert.doesNotMatch(sentence, /\.$|^\s*$/, sentence);
  });
}

test("help of the program and of every group lists what there is", async () => {
  const program = await programHelp();
  for (const [name, entry] of Object.entries(registry)) {
    assert.match(program, new RegExp(`^  ${name} `, "m"));
    if (typeof entry === "function") continue;
    const help = await groupHelp([name], entry);
    for (const command of Object.keys(entry.commands)) assert.match(help, new RegExp(`^  ${command} `, "m"));
    assert.match(help, /^Examples?:$/m);
  }
});

test("docs/cli.md is as the commands are: node scripts/cli-docs.ts writes it", async () => {
  assert.equal(readFileSync(join(root, "docs/cli.md"), "utf8"), await commandReference());
});

test("network create tells of every option that the bridge driver understands, and of no other", () => {
  assert.deepEqual(Object.keys(bridgeOptions).toSorted(), driverNamed("bridge").networkOptions.toSorted());
  assert.deepEqual(Object.keys(cniOptions).toSorted(), driverNamed("cni").networkOptions.toSorted());
});

test("a command is one file, named by its place in the registry", () => {
  for (const { path } of commands) assert.ok(existsSync(join(root, "src/cli/commands", `${path.join("/")}.ts`)));
});

test("docker's other names of commands lead to ours", () => {
  const found = findCommand(["network", "list", "-q"]);
  assert.ok(found.kind === "command");
  assert.deepEqual(found.path, ["network", "ls"]);
  assert.deepEqual(found.rest, ["-q"]);
});

test("no word leads to what objects have by birth", () => {
  for (const word of ["constructor", "__proto__", "toString"]) {
    assert.equal(findCommand([word]).kind, "unknown");
    assert.equal(findCommand(["network", word]).kind, "unknown");
  }
});

const names: NamesOf = async (noun) =>
  ({ network: ["front", "back"], sandbox: ["web"], endpoint: [], topology: ["shop"] })[noun];

const completions: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [["ne"], ["network"]],
  [["network", "con"], ["connect"]],
  [["--run-dir", "/x", "network", "con"], ["connect"]],
  [
    ["network", "create", "--dr"],
    ["--driver", "--dry-run"],
  ],
  [["network", "create", "-d", "b"], ["bridge"]],
  [
    ["network", "create", "--opt", "com.docker.network.bridge.gateway"],
    ["com.docker.network.bridge.gateway_mode_ipv4=", "com.docker.network.bridge.gateway_mode_ipv6="],
  ],
  [
    ["network", "rm", ""],
    ["front", "back"],
  ],
  [["network", "rm", "front", "b"], ["back"]],
  [["network", "connect", "--ip", "10.1.0.1", "front", "w"], ["web"]],
  [
    ["network", "ls", "--format", "="],
    ["table", "json"],
  ],
  [["network", "ls", "--format", "=", "j"], ["json"]],
  [["network", "ls", "--filter", "dr"], ["driver="]],
  [["sandbox", "exec", "web", "-"], []],
  [["down", ""], ["shop"]],
  [["help", "net"], ["network"]],
  [["nonsense", ""], []],
];

for (const [words, offered] of completions) {
  test(`at the end of "${words.join(" ")}" completion offers ${offered.join(", ") || "nothing"}`, async () => {
    assert.deepEqual(await candidates(words.slice(0, -1), words.at(-1) ?? "", names), offered);
  });
}
