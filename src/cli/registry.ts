/** Every command by its name. What a command is made of is loaded when it is called, so that starting costs the same however many there are. */
import type { Command } from "./command.ts";

/** Loads a command's file. */
export type Loader = () => Promise<{ readonly command: Command }>;

/** Commands about one noun. */
export interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Loader>>;
}

export type Registry = Readonly<Record<string, Loader | Group>>;

export const registry: Registry = {
  up: () => import("./commands/up.ts"),
  down: () => import("./commands/down.ts"),
  diff: () => import("./commands/diff.ts"),
  ps: () => import("./commands/ps.ts"),
  network: {
    summary: "Networks: groups of endpoints that reach each other",
    commands: {
      create: () => import("./commands/network/create.ts"),
      ls: () => import("./commands/network/ls.ts"),
      inspect: () => import("./commands/network/inspect.ts"),
      rm: () => import("./commands/network/rm.ts"),
      prune: () => import("./commands/network/prune.ts"),
      connect: () => import("./commands/network/connect.ts"),
      disconnect: () => import("./commands/network/disconnect.ts"),
    },
  },
  sandbox: {
    summary: "Sandboxes: isolated network stacks",
    commands: {
      create: () => import("./commands/sandbox/create.ts"),
      ls: () => import("./commands/sandbox/ls.ts"),
      inspect: () => import("./commands/sandbox/inspect.ts"),
      rm: () => import("./commands/sandbox/rm.ts"),
      exec: () => import("./commands/sandbox/exec.ts"),
      names: () => import("./commands/sandbox/names.ts"),
      queries: () => import("./commands/sandbox/queries.ts"),
    },
  },
  endpoint: {
    summary: "Endpoints: a sandbox's places in networks",
    commands: {
      ls: () => import("./commands/endpoint/ls.ts"),
      inspect: () => import("./commands/endpoint/inspect.ts"),
      stats: () => import("./commands/endpoint/stats.ts"),
    },
  },
  port: {
    summary: "Published ports: ports of the host that lead to sandboxes",
    commands: { ls: () => import("./commands/port/ls.ts") },
  },
  cni: {
    summary: "CNI: execute plugins as container runtimes do, and install Portolan's own for them",
    commands: {
      add: () => import("./commands/cni/add.ts"),
      del: () => import("./commands/cni/del.ts"),
      check: () => import("./commands/cni/check.ts"),
      gc: () => import("./commands/cni/gc.ts"),
      status: () => import("./commands/cni/status.ts"),
      list: () => import("./commands/cni/list.ts"),
      which: () => import("./commands/cni/which.ts"),
      install: () => import("./commands/cni/install.ts"),
      plugin: () => import("./commands/cni/plugin.ts"),
    },
  },
  events: () => import("./commands/events.ts"),
  doctor: () => import("./commands/doctor.ts"),
  reconcile: () => import("./commands/reconcile.ts"),
  daemon: () => import("./commands/daemon.ts"),
  completion: () => import("./commands/completion.ts"),
};

/** Other names that docker's users know. */
const otherNames: Readonly<Record<string, string>> = { list: "ls", remove: "rm" };

/** What the first words of a command line lead to. */
export type Found =
  | {
      readonly kind: "command";
      readonly path: readonly string[];
      readonly load: Loader;
      readonly rest: readonly string[];
    }
  | { readonly kind: "group"; readonly path: readonly string[]; readonly group: Group }
  | { readonly kind: "root" }
  | {
      readonly kind: "unknown";
      readonly word: string;
      readonly path: readonly string[];
      readonly names: readonly string[];
    };

/** Finds the command that `words` begin with. */
export function findCommand(words: readonly string[]): Found {
  const [first, ...afterFirst] = words;
  if (first === undefined) return { kind: "root" };
  const entry = own(registry, first);
  if (entry === undefined) return { kind: "unknown", word: first, path: [], names: Object.keys(registry) };
  if (typeof entry === "function") return { kind: "command", path: [first], load: entry, rest: afterFirst };
  const [second, ...rest] = afterFirst;
  if (second === undefined || second.startsWith("-")) return { kind: "group", path: [first], group: entry };
  const name = own(entry.commands, second) === undefined ? (own(otherNames, second) ?? second) : second;
  const load = own(entry.commands, name);
  if (load === undefined) return { kind: "unknown", word: second, path: [first], names: Object.keys(entry.commands) };
  return { kind: "command", path: [first, name], load, rest };
}

/** Every command with its path, in the order of the registry. */
export function allCommands(): readonly { readonly path: readonly string[]; readonly load: Loader }[] {
  return Object.entries(registry).flatMap(([name, entry]) =>
    typeof entry === "function"
      ? [{ path: [name], load: entry }]
      : Object.entries(entry.commands).map(([second, load]) => ({ path: [name, second], load })),
  );
}

function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
