/** Where a benchmark runs: a host of its own, with a daemon of ours where it measures what users of one meet. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Client, connectClient } from "../src/api/client.ts";
import { installDebianPackages } from "../test/support/debian-packages.ts";
import { enterTestHost, missing } from "../test/support/test-host.ts";
import { tell } from "./measure.ts";

/** What a benchmark needs of the machine. */
export interface Needs {
  /** Debian packages; missing ones are installed. */
  readonly packages: readonly string[];
  /** Programs of theirs that must be there then; default none. */
  readonly programs?: readonly string[];
  /** Asked in the host: why the benchmark cannot run, false where it can. */
  readonly unless?: () => string | false;
}

/** Makes the process a private host for a benchmark, or ends it, with the reason, where the machine lacks what it needs. Call it first. */
export function enterBenchHost({ packages, programs = [], unless = () => false }: Needs): void {
  installDebianPackages(packages);
  tell({ packages });
  enterTestHost();
  const skipped = programs.map(missing).find((reason) => reason !== false) ?? unless();
  if (skipped === false) return;
  tell({ skipped });
  console.log(`skipped: ${skipped}`);
  process.disconnect?.();
  process.exit(0);
}

/** A daemon in the benchmark's host, and a client of its socket; ends with its state when it is disposed of. */
export interface BenchDaemon extends AsyncDisposable {
  readonly pid: number;
  readonly client: Client;
}

/** Starts the daemon as its users do, by bin/portolan, and waits until it listens. */
export async function startDaemon(): Promise<BenchDaemon> {
  const directory = mkdtempSync(join(tmpdir(), "portolan-bench-"));
  const program = join(import.meta.dirname, "../bin/portolan");
  const child = spawn(program, ["daemon", "--state-dir", join(directory, "state")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    // Its first line says that it listens.
    await Promise.race([once(createInterface({ input: child.stderr }), "line"), ended]);
    const client = await connectClient("/run/portolan/portolan.sock");
    return {
      pid: child.pid ?? 0,
      client,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
