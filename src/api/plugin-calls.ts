/**
 * Calls of CNI's plugins on the daemon's socket. Runtimes wait for them more than for anything else: one that is alone on its connection, and whole in the first bytes, is
 * answered here, as its route would. Node's HTTP server and its framework take some 0.25 ms for a request, a tenth of what a container's network may take.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { answer } from "../cni/plugin/answer.ts";
import type { Execution } from "../cni/plugin/call.ts";
import { callType, readExecution } from "../cni/plugin/wire.ts";
import type { NetworkController } from "../model/types.ts";
import { prefix } from "./prefix.ts";

const requestLine = `POST ${prefix}/cni HTTP/1.1\r\n`;
const headEnd = "\r\n\r\n";

/** Comes before an HTTP server at its connections; resolves, once asked, when no call is under way. `busy` is called at each call. */
export function servePluginCalls(
  http: Server,
  { attachments }: NetworkController,
  busy: () => void,
): { readonly settle: () => Promise<unknown> } {
  const underWay = new Set<Promise<void>>();
  const rest = http.listeners("connection");
  http.removeAllListeners("connection");
  http.on("connection", (socket: Socket) => {
    const leave = (): void => void socket.destroy();
    socket.once("end", leave).once("error", leave);
    socket.once("data", (first: Buffer) => {
      socket.off("end", leave);
      const execution = wholeCall(first);
      if (execution !== undefined) {
        busy();
        const call = serve(socket, answer(execution, attachments)).finally(() => underWay.delete(call));
        underWay.add(call);
        return;
      }
      socket.off("error", leave);
      socket.unshift(first);
      for (const listener of rest) listener.call(http, socket);
    });
  });
  return { settle: () => Promise.all(underWay) };
}

/** The call that bytes are, head and body; undefined where they are anything else, or not all of it. */
function wholeCall(bytes: Buffer): Execution | undefined {
  if (bytes.toString("latin1", 0, requestLine.length) !== requestLine) return undefined;
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const fields = new Map(
    bytes
      .toString("latin1", requestLine.length, end)
      .split("\r\n")
      .map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
  const body = bytes.subarray(end + headEnd.length);
  const isCall = fields.get("content-type") === callType && fields.get("connection") === "close";
  return isCall && Number(fields.get("content-length")) === body.length ? readExecution(body) : undefined;
}

/** Answers, and ends the connection. Whoever called may have been killed meanwhile: that is nobody's failure. */
async function serve(socket: Socket, answering: ReturnType<typeof answer>): Promise<void> {
  const { status, output } = await answering;
  const words = status === 0 ? "200 OK" : "422 Unprocessable Entity";
  const head = `HTTP/1.1 ${words}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(output)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + output);
}
