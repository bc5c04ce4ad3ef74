/** Flags that every command has: where the daemon listens and where the engine keeps its files. */
import { join } from "node:path";
import { type FlagValues, on, text } from "./flag.ts";

/** They may stand before the command's name, or among its own flags. */
export const globalFlags = {
  socket: text("--socket PATH", "The daemon's socket (PORTOLAN_SOCKET; default RUN-DIR/portolan.sock)", "file"),
  stateDir: text(
    "--state-dir DIR",
    "Where networks are remembered (PORTOLAN_STATE_DIR; default /var/lib/portolan)",
    "file",
  ),
  runDir: text("--run-dir DIR", "Run-time files (PORTOLAN_RUN_DIR; default /run/portolan)", "file"),
  publishAddress: text(
    "--publish-address ADDRESS",
    "The host's address for published ports that name none (PORTOLAN_PUBLISH_ADDRESS; default all of them)",
    ["127.0.0.1", "0.0.0.0"],
  ),
  help: on("-h, --help", "Show how it is used"),
} as const;

/** Where the engine is. */
export interface Globals {
  readonly socket: string;
  /** Whether the socket was named: then its daemon is meant, and no engine of this process's own stands in for it. */
  readonly socketNamed: boolean;
  readonly stateDir: string;
  readonly runDir: string;
  /** Address of the host for published ports that name none; absent: all of them. */
  readonly publishAddress?: string;
  /** Whether it was given on the command line: a daemon that has one of its own is not to pass over it. */
  readonly publishAddressNamed: boolean;
}

/** The flags of which engines are made. */
export type EngineFlags = Pick<FlagValues<typeof globalFlags>, "socket" | "stateDir" | "runDir" | "publishAddress">;

/** Flags before the environment before the defaults. */
export function globalsOf(
  given: Partial<EngineFlags>,
  environment: Readonly<Record<string, string | undefined>>,
): Globals {
  const runDir = given.runDir ?? (environment["PORTOLAN_RUN_DIR"] || "/run/portolan");
  const socket = given.socket ?? (environment["PORTOLAN_SOCKET"] || undefined);
  const publishAddress = given.publishAddress ?? (environment["PORTOLAN_PUBLISH_ADDRESS"] || undefined);
  return {
    socket: socket ?? join(runDir, "portolan.sock"),
    socketNamed: socket !== undefined,
    stateDir: given.stateDir ?? (environment["PORTOLAN_STATE_DIR"] || "/var/lib/portolan"),
    runDir,
    ...(publishAddress !== undefined && { publishAddress }),
    publishAddressNamed: given.publishAddress !== undefined,
  };
}
