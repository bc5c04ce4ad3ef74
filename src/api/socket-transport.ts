/** To a daemon, by HTTP on its unix socket. */
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { PortolanError } from "../errors.ts";
import { prefix } from "./prefix.ts";
import { abortedError, readAnswer, type Transport, type TransportRequest } from "./transport.ts";

// An import would have all exports of the module looked at, and some of them load an HTTP client of another kind as soon as they are: 16 MB of memory.
const { Agent, request: httpRequest } = process.getBuiltinModule("node:http");

/** Why nobody can be reached on a socket; undefined where somebody listens. */
function probe(socket: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(undefined);
    });
    connection.once("error", resolve);
  });
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

function unavailable(socket: string, error: Error): PortolanError {
  return new PortolanError("unavailable", `no daemon answers on ${socket}`, {
    object: `socket ${socket}`,
    reason: error.message,
    advice:
      codeOf(error) === "EACCES"
        ? "run as root, or as a member of the socket's group"
        : "start one with `portolan daemon`, or leave --socket out",
    cause: error,
  });
}

/** Whether a daemon listens; throws `unavailable` where one may but we may not ask. */
export async function listens(socket: string): Promise<boolean> {
  const error = await probe(socket);
  if (codeOf(error) === "EACCES" && error !== undefined) throw unavailable(socket, error);
  return error === undefined;
}

/** Throws `unavailable` where no daemon listens. */
export async function checkListening(socket: string): Promise<void> {
  const error = await probe(socket);
  if (error !== undefined) throw unavailable(socket, error);
}

/** What a response says. By its events: its iterator would take longer than many an answer. */
function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.once("end", () => resolve(Buffer.concat(chunks).toString()));
    response.once("error", reject);
  });
}

/** A transport; it connects with its first request. */
export function openSocket(socket: string): Transport {
  const agent = new Agent({ keepAlive: true });

  const ask = ({ method, path, body, signal }: TransportRequest): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
      const request = httpRequest({
        socketPath: socket,
        agent,
        method,
        path: `${prefix}${path}`,
        headers,
        ...(signal && { signal }),
      });
      request.once("response", resolve);
      request.once("error", (error) => reject(signal?.aborted ? abortedError(error) : unavailable(socket, error)));
      request.end(text);
    });

  return {
    async request(request) {
      const response = await ask(request);
      let text: string;
      try {
        text = await textOf(response);
      } catch (error) {
        throw request.signal?.aborted ? abortedError(error) : unavailable(socket, error as Error); // streams fail with Errors
      }
      return readAnswer(response.statusCode ?? 500, text);
    },
    async *lines(path, signal) {
      const response = await ask({ method: "GET", path, ...(signal && { signal }) });
      try {
        yield* createInterface({ input: response });
      } catch (error) {
        if (!signal?.aborted) throw error;
      } finally {
        response.destroy();
      }
    },
    close: async () => agent.destroy(),
  };
}
