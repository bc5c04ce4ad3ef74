/**
 * The plugin where no static program was built: what shim/plugin.c does, by Node.js. An installed script calls {@link launch}. It loads little, because it is
 * started for every call.
 */
import { connect, type Socket } from "node:net";
import { basename } from "node:path";
import { CniError, cniCode, errorJson } from "./protocol/cni-error.ts";
import { versionAnswer, versions } from "./protocol/version.ts";
import { type Installation, readTrailer } from "./trailer.ts";

/** Does the call that this process was started for, as the plugin whose file it runs. */
export async function launch(version: string): Promise<void> {
  const file = process.argv[1] ?? "";
  const type = basename(file);
  const command = process.env["CNI_COMMAND"] || undefined;
  if (command === undefined) {
    process.stderr.write(`CNI ${type} plugin v${version}\nCNI protocol versions supported: ${versions.join(", ")}\n`);
  } else if (command === "VERSION") {
    process.stdout.write(`${JSON.stringify(versionAnswer)}\n`);
  } else {
    await answer(type, command, file);
  }
}

async function answer(type: string, command: string, file: string): Promise<void> {
  let input: Buffer = Buffer.alloc(0);
  try {
    const installation = readTrailer(file);
    if (installation === undefined) throw new CniError(cniCode.ioFailure, `${file} has no trailer`);
    const socket = process.env["PORTOLAN_SOCKET"] || installation.socket;
    const connection = await connectTo(socket);
    // Standard input was not touched: it is the next program's as it is.
    if (connection === undefined) return becomeStandalone(installation, type);
    const { buffer } = await import("node:stream/consumers");
    input = await buffer(process.stdin);
    const answered = await ask(connection, requestBody(type, input));
    if (answered === undefined) return await doAfterLoss({ installation, type, command, socket, input });
    if (answered.status !== 200 && !isError(answered.body))
      throw new CniError(
        cniCode.ioFailure,
        `the answer on ${socket} is no CNI plugin's: another server, or an older Portolan, listens there`,
      );
    process.stdout.write(answered.body);
    process.exitCode = answered.status === 200 ? 0 : 1;
  } catch (error) {
    const told =
      error instanceof CniError
        ? error
        : new CniError(cniCode.ioFailure, error instanceof Error ? error.message : String(error));
    process.stdout.write(`${JSON.stringify(errorJson(told, versionOf(input)))}\n`);
    process.exitCode = 1;
  }
}

/** A connection to the daemon; undefined where none listens. */
function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
      else reject(new CniError(cniCode.ioFailure, `cannot connect to ${path}: ${error.message}`));
    });
  });
}

/** Type, variables of the environment, each with a zero behind it, one zero more, and the configuration. */
function requestBody(type: string, input: Buffer): Buffer {
  const variables = Object.entries(process.env);
  const words = [type, ...variables.map(([name, value]) => `${name}=${value}`), ""];
  return Buffer.concat([Buffer.from(words.map((word) => `${word}\0`).join("")), input]);
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Asks the daemon; undefined where the connection ends without a whole answer. */
async function ask(connection: Socket, body: Buffer): Promise<Answer | undefined> {
  // An import of node:http would load all that it exports, of which WebSocket takes 40 ms.
  const { request } = process.getBuiltinModule("node:http");
  const { buffer } = await import("node:stream/consumers");
  return await new Promise((resolve) => {
    const asked = request({
      method: "POST",
      path: "/portolan/v1/cni",
      createConnection: () => connection,
      headers: {
        Host: "portolan",
        "Content-Type": "application/vnd.portolan.cni-call",
        "Content-Length": body.length,
        Connection: "close",
      },
    });
    asked.once("error", () => resolve(undefined));
    asked.once("response", (response) => {
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, body: bytes }),
        () => resolve(undefined),
      );
    });
    asked.end(body);
  });
}

/** Whether an answer is an error in CNI's form. */
function isError(body: Buffer): boolean {
  const value = parsed(body);
  return typeof value === "object" && value !== null && "code" in value && "msg" in value;
}

/** The version that a configuration names. */
function versionOf(input: Buffer): string | undefined {
  const value = parsed(input);
  if (typeof value !== "object" || value === null || !("cniVersion" in value)) return undefined;
  return typeof value.cniVersion === "string" ? value.cniVersion : undefined;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const standaloneLine = ({ command }: Installation, type: string): readonly string[] => [
  ...command.slice(1),
  "cni",
  "plugin",
  type,
];

/** Becomes the program that does a call without a daemon. */
function becomeStandalone(installation: Installation, type: string): void {
  const [program] = installation.command;
  if (!process.execve) throw new CniError(cniCode.ioFailure, "this Node.js has no process.execve");
  process.execve(program, [program, ...standaloneLine(installation, type)]);
}

/** A call on whose daemon nothing is to be relied any more. */
interface LostCall {
  readonly installation: Installation;
  readonly type: string;
  readonly command: string;
  readonly socket: string;
  readonly input: Buffer;
}

/** The daemon went away and nobody knows how far it came. Everything but ADD may be repeated. */
async function doAfterLoss({ installation, type, command, socket, input }: LostCall): Promise<void> {
  if (command === "ADD")
    throw new CniError(
      cniCode.tryAgainLater,
      `the daemon on ${socket} went away before it answered: DEL undoes what it did, then try ADD again`,
    );
  const { spawnSync } = await import("node:child_process");
  const [program] = installation.command;
  const { status, error } = spawnSync(program, standaloneLine(installation, type), {
    input,
    stdio: ["pipe", "inherit", "inherit"],
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
