/** The completion scripts, each in its own shell, asking the real command. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scripts } from "../../../src/cli/commands/completion.ts";
import { enterTestHost, missing, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();

type Shell = keyof typeof scripts;

/** Programs that print what a shell offers for the words after `portolan`, the script being in $1. */
const programs: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `source "$1"; COMP_WORDS=(portolan ${words.join(" ")}); COMP_CWORD=${words.length}; _portolan; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // The completion system itself works at a prompt only: in its place stands what tells what it is handed.
  zsh: (words) =>
    `compdef() { }; _files() { print files }; compadd() { shift 2; print -l -- "$@" }; source "$1"; words=(portolan ${words.join(" ")}); CURRENT=${words.length + 1}; _portolan`,
  fish: (words) => `source $argv[1]; complete --do-complete "portolan ${words.join(" ")}"`,
};

const options: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["--norc", "-c"],
  zsh: ["-f", "-c"],
  fish: ["--no-config", "-c"],
};

// Its entries are those of the table.
for (const shell of Object.keys(scripts) as Shell[]) {
  test(`${shell} offers what the command knows`, { skip: missing(shell) }, () => {
    using directory = temporaryDirectory();
    symlinkSync(join(import.meta.dirname, "../../../bin/portolan"), join(directory.path, "portolan"));
    const script = join(directory.path, "script");
    writeFileSync(script, `${scripts[shell]}\n`);
    const offered = (...words: readonly string[]): readonly string[] => {
      const program = programs[shell](words);
      const name = shell === "fish" ? [] : ["shell"];
      const { stdout, stderr, status } = spawnSync(shell, [...options[shell], program, ...name, script], {
        encoding: "utf8",
        env: { ...process.env, PATH: `${directory.path}:${process.env["PATH"]}`, HOME: directory.path },
      });
      assert.equal(stderr, "");
      assert.equal(status, 0);
      return stdout.trim().split("\n").toSorted();
    };
    assert.deepEqual(offered("netw"), ["network"]);
    assert.deepEqual(offered("network", "dis"), ["disconnect"]);
    assert.deepEqual(offered("network", "create", "-d", "b"), ["bridge"]);
    assert.deepEqual(offered("network", "create", "--dr"), ["--driver", "--dry-run"]);
  });
}
