/** The daemon: one controller, served on a unix socket until it is told to stop. What it made stays. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { endpointMakers } from "../cni/maker.ts";
import { isPortolanError, PortolanError } from "../errors.ts";
import { trimHeap } from "../kernel/syscalls.ts";
import { createController } from "../model/controller.ts";
import { createTidier, createYoungTidier } from "../tidy.ts";
import { buildApp } from "./app.ts";
import { servePluginCalls } from "./plugin-calls.ts";
import { listens } from "./socket-transport.ts";
import type { ClientOptions } from "./transport.ts";

export interface DaemonOptions extends ClientOptions {
  /** Ends the daemon after the requests that are under way. */
  readonly signal: AbortSignal;
}

/** Mode of the socket: its owner and group may ask. */
const socketMode = 0o660;

/** Serves until the signal aborts. Throws `exists` where a daemon listens on the socket, and what opening the controller throws. */
export async function runDaemon({ socket, signal, ...engine }: DaemonOptions): Promise<void> {
  if (signal.aborted) return;
  const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await refuseSecond(socket);
  await using controller = await createController({ ...engine, makers: endpointMakers(engine) });
  const app = await buildApp(controller, engine);
  mkdirSync(dirname(socket), { recursive: true, mode: 0o755 });
  // Nobody listens on it: it was left by a daemon that was killed.
  rmSync(socket, { force: true });
  const [tidyOld, tidyYoung] = [createTidier(trimHeap), createYoungTidier()];
  const tidy = (): void => {
    tidyOld();
    tidyYoung();
  };
  app.server.on("request", tidy);
  const calls = servePluginCalls(app.server, controller, tidy);
  await app.listen({ path: socket });
  chmodSync(socket, socketMode);
  const { default: pino } = await import("pino");
  const log = pino({ name: "portolan" }, pino.destination(2));
  log.info({ socket, ...engine, pid: process.pid }, "listening");
  const { problems } = await controller.doctor();
  for (const problem of problems)
    log[problem.severity === "warning" ? "warn" : problem.severity](problem, problem.title);
  await stopped;
  log.info("stopping");
  await app.close();
  await calls.settle();
  await controller.settle();
  rmSync(socket, { force: true });
}

async function refuseSecond(socket: string): Promise<void> {
  const busy = await listens(socket).catch((error: unknown) => {
    if (isPortolanError(error, "unavailable")) return true;
    throw error;
  });
  if (!busy) return;
  throw new PortolanError("exists", `a daemon listens on ${socket} already`, {
    object: `socket ${socket}`,
    advice: "use that one, or give another --socket and --state-dir",
  });
}
