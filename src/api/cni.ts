/** A CNI plugin's call from a process of its own: to the daemon where one listens, else carried out here. */
import { existsSync } from "node:fs";
import type { Answer } from "../cni/plugin/answer.ts";
import type { Execution } from "../cni/plugin/call.ts";
import { callType, writeExecution } from "../cni/plugin/wire.ts";
import { prefix } from "./prefix.ts";

interface Place {
  readonly socket: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly publishAddress?: string;
}

/** Carries a call out. Every failure is an answer, also what goes wrong before there is an engine. */
export async function execute(execution: Execution, place: Place): Promise<Answer> {
  try {
    return await carryOut(execution, place);
  } catch (error) {
    const { failed } = await import("../cni/plugin/answer.ts");
    return failed(execution, error);
  }
}

async function carryOut(execution: Execution, { socket, stateDir, runDir, publishAddress }: Place): Promise<Answer> {
  const served = await ask(execution, socket);
  if (served !== undefined) return served;
  const { answerAlone } = await import("../cni/plugin/standalone.ts");
  return answerAlone(execution, { stateDir, runDir, ...(publishAddress !== undefined && { publishAddress }) });
}

/** The daemon's answer; undefined where none listens. */
async function ask(execution: Execution, socket: string): Promise<Answer | undefined> {
  if (!existsSync(socket)) return undefined;
  // An import would load all that it exports, of which WebSocket takes 40 ms.
  const { request } = process.getBuiltinModule("node:http");
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: socket, path: `${prefix}/cni`, method: "POST", headers: { "content-type": callType } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () =>
          resolve({ status: response.statusCode === 200 ? 0 : 1, output: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" || error.code === "ECONNREFUSED" ? resolve(undefined) : reject(error),
    );
    sent.end(writeExecution(execution));
  });
}
