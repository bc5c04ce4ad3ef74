/** A server on a unix socket in the daemon's place, and plugins installed for it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { install } from "../../../src/cni/install.ts";
import { pluginProgram, staticProgram } from "../../../src/cni/program.ts";
import { temporaryDirectory } from "../../support/test-host.ts";

export type Kind = "static" | "node";

/** What a plugin's run gave. */
export interface Outcome {
  readonly status: number | null;
  readonly out: Buffer;
  readonly err: string;
}

/** A request as it came. */
export interface Request {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer = (request: Request, response: ServerResponse) => void;

/** A folder with plugins, a socket they ask, and a program that they become without a daemon: it tells its words, CNI_COMMAND and its input, and ends with 7. */
export class Installed implements AsyncDisposable {
  readonly #directory = temporaryDirectory();
  readonly path = this.#directory.path;
  readonly socket = join(this.path, "daemon.sock");
  readonly program = join(this.path, "alone");
  readonly plugins = join(this.path, "bin");
  readonly requests: Request[] = [];
  connections = 0;
  answer: Answer = (_, response) => response.end("{}\n");
  /** Called instead of reading a request. */
  instead: ((request: IncomingMessage) => void) | undefined;
  readonly #server = createServer((request, response) => {
    if (this.instead !== undefined) return this.instead(request);
    buffer(request).then((body) => {
      const read = { line: `${request.method} ${request.url}`, headers: request.headers, body };
      this.requests.push(read);
      this.answer(read, response);
    });
  });

  constructor(kind: Kind, types: readonly string[]) {
    mkdirSync(this.plugins);
    writeFileSync(this.program, `#!/bin/sh\nprintf '%s,' "$CNI_COMMAND" "$@"\ncat\nexit 7\n`);
    chmodSync(this.program, 0o755);
    const installation = { socket: this.socket, command: [this.program, "--state-dir", "/x y"] } as const;
    const shim = kind === "static" ? staticProgram() : undefined;
    const { kind: made, bytes } = pluginProgram(installation, version, shim);
    if (made !== kind) throw new Error("the static plugin is not built");
    install({ directory: this.plugins, types, program: bytes, force: false });
    this.#server.on("connection", () => this.connections++);
  }

  async listen(): Promise<void> {
    this.#server.listen(this.socket);
    await once(this.#server, "listening");
  }

  async call(
    type: string,
    environment: Readonly<Record<string, string>>,
    input: string | Buffer = "",
  ): Promise<Outcome> {
    const child = this.start(type, environment);
    // A plugin need not read its input to the end.
    child.stdin.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
    child.stdin.end(input);
    const [out, err, [status]] = await Promise.all([buffer(child.stdout), buffer(child.stderr), once(child, "exit")]);
    return { status, out, err: err.toString() };
  }

  start(type: string, environment: Readonly<Record<string, string>>) {
    const env = { PATH: process.env["PATH"], OTHER: "1", ...environment };
    return spawn(join(this.plugins, type), { env, stdio: ["pipe", "pipe", "pipe"] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) {
      this.#server.closeAllConnections();
      this.#server.close();
      await once(this.#server, "close");
    }
    this.#directory[Symbol.dispose]();
  }
}

/** The version in package.json. */
export const version: string = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8"),
).version;
