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
  help: on("-h, --help", "Show how it is used"),
} as const;

/** Where the engine is. */
export interface Globals {
  readonly socket: string;
  /** Whether the socket was named: then its daemon is meant, and no engine of this process's own stands in for it. */
  readonly socketNamed: boolean;
  readonly stateDir: string;
  readonly runDir: string;
}

/** Flags before the environment before the defaults. */
export function globalsOf(
  given: Pick<FlagValues<typeof globalFlags>, "socket" | "stateDir" | "runDir">,
  environment: Readonly<Record<string, string | undefined>>,
): Globals {
  const runDir = given.runDir ?? (environment["PORTOLAN_RUN_DIR"] || "/run/portolan");
  const socket = given.socket ?? (environment["PORTOLAN_SOCKET"] || undefined);
  return {
    socket: socket ?? join(runDir, "portolan.sock"),
    socketNamed: socket !== undefined,
    stateDir: given.stateDir ?? (environment["PORTOLAN_STATE_DIR"] || "/var/lib/portolan"),
    runDir,
  };
}
