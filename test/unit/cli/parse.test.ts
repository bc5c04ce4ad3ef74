import assert from "node:assert/strict";
import { test } from "node:test";
import { changeFlags } from "../../../src/cli/change.ts";
import type { Context } from "../../../src/cli/command.ts";
import { defineCommand } from "../../../src/cli/command.ts";
import { any, choice, filters, integer, list, many, on, one, pairs, text } from "../../../src/cli/flag.ts";
import { globalsOf } from "../../../src/cli/globals.ts";
import { parseCommand } from "../../../src/cli/parse.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import { recordedOutput } from "./recorded-output.ts";

const context: Context = {
  globals: globalsOf({ socket: undefined, stateDir: undefined, runDir: undefined }, {}),
  output: recordedOutput(),
  signal: new AbortController().signal,
  client: () => Promise.reject(new Error("no engine here")),
};

/** The values that a command line gives to a command with every kind of flag. */
async function valuesOf(...words: readonly string[]): Promise<unknown> {
  let seen: unknown;
  const command = defineCommand({
    summary: "Try all",
    arguments: { first: one("FIRST", "one"), more: any("MORE", "more") },
    flags: {
      driver: text("-d, --driver DRIVER", "text"),
      subnets: list("--subnet SUBNET", "list"),
      options: pairs("-o, --opt KEY=VALUE", "pairs", { bareKeys: true }),
      aux: pairs("--aux-address NAME=ADDRESS", "pairs with a value"),
      internal: on("--internal", "switch"),
      noIpv4: on("--no-ipv4", "switch that is off"),
      priority: integer("--gw-priority NUMBER", "number"),
      format: choice("--format FORMAT", "choice", ["text", "json"]),
      filters: filters(["driver", "label"]),
    },
    examples: [{ line: "portolan try x", meaning: "try" }],
    run: async (values) => {
      seen = values;
    },
  });
  const parsed = parseCommand(["try"], command, words);
  if (parsed === "help") return "help";
  await command.execute(parsed, context);
  return seen;
}

const nothing = {
  first: "x",
  more: [],
  driver: undefined,
  subnets: [],
  options: {},
  aux: {},
  internal: false,
  noIpv4: false,
  priority: undefined,
  format: "text",
  filters: {},
};

const lines: readonly (readonly [line: string, values: Partial<Record<keyof typeof nothing, unknown>>])[] = [
  ["x", {}],
  ["x y z", { more: ["y", "z"] }],
  ["-d bridge x", { driver: "bridge" }],
  ["x --driver=bridge", { driver: "bridge" }],
  ["--driver a --driver b x", { driver: "b" }],
  ["--subnet 10.1.0.0/24 --subnet=fd00::/64 x", { subnets: ["10.1.0.0/24", "fd00::/64"] }],
  ["-o a=1 -o b=2=3 --opt c -o a=4 x", { options: { a: "4", b: "2=3", c: "" } }],
  ["--aux-address router=10.1.0.9 x", { aux: { router: "10.1.0.9" } }],
  ["--internal x", { internal: true }],
  ["--internal=true x", { internal: true }],
  ["--internal=false x", { internal: false }],
  ["--no-ipv4 x", { noIpv4: true }],
  ["--ipv4=false x", { noIpv4: true }],
  ["--ipv4=true x", { noIpv4: false }],
  ["--gw-priority -5 x", { priority: -5 }],
  ["--format json x", { format: "json" }],
  ["-f driver=bridge --filter driver=host -f label=a=b x", { filters: { driver: ["bridge", "host"], label: ["a=b"] } }],
  ["x -- --internal", { more: ["--internal"] }],
  ["x -- --internal=true", { more: ["--internal=true"] }],
];

for (const [line, values] of lines) {
  test(`the line "${line}" gives its values`, async () => {
    assert.deepEqual(await valuesOf(...line.split(" ")), { ...nothing, ...values });
  });
}

const refusals: readonly (readonly [line: string, message: RegExp, advice?: RegExp])[] = [
  ["", /missing required argument 'FIRST'/, /portolan try --help/],
  ["--intrenal x", /unknown option '--intrenal'/, /did you mean --internal\?/],
  ["--driver", /argument missing/],
  ["--gw-priority five x", /--gw-priority takes a whole number, not "five"/],
  ["--gw-priority 99999999999999999999 x", /takes a whole number/],
  ["--format yaml x", /--format does not take "yaml"/, /text, json/],
  ["--aux-address router x", /--aux-address takes KEY=VALUE, not "router"/],
  ["-o =1 x", /--opt takes KEY=VALUE/],
  ["--filter driver x", /--filter takes KEY=VALUE/],
];

for (const [line, message, advice] of refusals) {
  test(`the line "${line}" is refused in words`, async () => {
    await assert.rejects(valuesOf(...line.split(" ").filter((word) => word !== "")), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      if (advice) assert.match(error.advice ?? "", advice);
      return true;
    });
  });
}

test("--help is understood before anything is missed", async () => {
  assert.equal(await valuesOf("--help"), "help");
  assert.equal(await valuesOf("-h", "--driver=x"), "help");
});

test("what comes after the first argument of a command that runs another line is that line's", () => {
  const command = defineCommand({
    summary: "Run",
    arguments: { sandbox: one("SANDBOX", "where"), line: any("COMMAND", "what") },
    flags: { env: pairs("-e, --env KEY=VALUE", "environment") },
    examples: [{ line: "portolan run x", meaning: "run" }],
    passThrough: true,
    run: async () => {},
  });
  const parsed = parseCommand(["run"], command, ["-e", "A=1", "web", "ip", "-6", "--help", "-e", "x"]);
  assert.ok(parsed !== "help");
  assert.deepEqual(parsed.flag("env"), ["A=1"]);
  assert.deepEqual(parsed.argument("sandbox"), ["web"]);
  assert.deepEqual(parsed.argument("line"), ["ip", "-6", "--help", "-e", "x"]);
});

test("arguments beyond the last are refused", () => {
  const command = defineCommand({
    summary: "Take one",
    arguments: { name: one("NAME", "name") },
    flags: changeFlags,
    examples: [{ line: "portolan take x", meaning: "take" }],
    run: async () => {},
  });
  assert.throws(() => parseCommand(["take"], command, ["a", "b"]), UsageError);
  const several = { ...command, arguments: { names: many("NAME", "names") } };
  assert.throws(() => parseCommand(["take"], several, []), UsageError);
});

test("flags are before the environment, and that before the defaults", () => {
  assert.deepEqual(globalsOf({}, {}), {
    socket: "/run/portolan/portolan.sock",
    socketNamed: false,
    stateDir: "/var/lib/portolan",
    runDir: "/run/portolan",
    publishAddressNamed: false,
  });
  assert.equal(globalsOf({ runDir: "/run/x" }, {}).socket, "/run/x/portolan.sock");
  const environment = {
    PORTOLAN_SOCKET: "/a.sock",
    PORTOLAN_STATE_DIR: "/state",
    PORTOLAN_RUN_DIR: "",
    PORTOLAN_PUBLISH_ADDRESS: "127.0.0.1",
  };
  assert.deepEqual(globalsOf({ stateDir: "/other" }, environment), {
    socket: "/a.sock",
    socketNamed: true,
    stateDir: "/other",
    runDir: "/run/portolan",
    publishAddress: "127.0.0.1",
    publishAddressNamed: false,
  });
  const { publishAddress, publishAddressNamed } = globalsOf({ publishAddress: "::1" }, environment);
  assert.deepEqual([publishAddress, publishAddressNamed], ["::1", true]);
});
