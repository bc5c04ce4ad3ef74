/**
 * Plugins of the suite's own, to which the plugins under test delegate: each writes down the environment and the very octets that it is given, and answers what the check
 * wants it to.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One call of a recording plugin. */
export interface Recorded {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The standard input, octet by octet. */
  readonly stdin: string;
}

// A pid names a call: two at once have two.
const program = (records: string): string => `#!/bin/sh
cd ${records} || exit 9
cat > $$.stdin
env > $$.env
echo "$$ $CNI_COMMAND" >> calls
[ ! -e wait.$CNI_COMMAND ] || sleep "$(cat wait.$CNI_COMMAND)"
[ ! -e answer.$CNI_COMMAND ] || cat answer.$CNI_COMMAND
[ ! -e status.$CNI_COMMAND ] || exit "$(cat status.$CNI_COMMAND)"
`;

/** A recording plugin on disk. */
export class Recorder {
  /** Directory to name in CNI_PATH. */
  readonly directory: string;
  /** Its plugin type. */
  readonly type: string;
  readonly #records: string;

  constructor(work: string, type: string, folder = "bin") {
    this.type = type;
    this.directory = join(work, folder);
    this.#records = join(work, `${folder}-${type}-records`);
    mkdirSync(this.directory, { recursive: true });
    mkdirSync(this.#records, { recursive: true });
    const path = join(this.directory, type);
    writeFileSync(path, program(this.#records));
    chmodSync(path, 0o755);
  }

  /** Answers a command from now on: text on stdout, and a status. */
  answers(command: string, stdout: string, status = 0): void {
    writeFileSync(join(this.#records, `answer.${command}`), stdout);
    writeFileSync(join(this.#records, `status.${command}`), String(status));
  }

  /** Calls so far, oldest first; of one command where it is named. */
  calls(command?: string): readonly Recorded[] {
    const path = join(this.#records, "calls");
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
    return lines
      .map((line) => line.split(" "))
      .filter(([, verb = ""]) => command === undefined || verb === command)
      .map(([call = "", verb = ""]) => ({
        command: verb,
        environment: environmentOf(readFileSync(join(this.#records, `${call}.env`), "utf8")),
        stdin: readFileSync(join(this.#records, `${call}.stdin`), "utf8"),
      }));
  }

  /** Forgets the calls so far. */
  forget(): void {
    writeFileSync(join(this.#records, "calls"), "");
  }
}

const environmentOf = (listing: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    listing
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
