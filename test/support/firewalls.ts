/** Firewalls of others in the test's own host: the real programs, with copies of their files that only this host sees. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { exec, missing, run } from "./test-host.ts";

/** Puts a copy of a directory in its place, which is gone with the test host. */
function copyInPlace(directory: string): void {
  const copy = `/run/copies${directory}`;
  mkdirSync(copy, { recursive: true });
  run(`cp -a ${directory}/. ${copy}`);
  run(`mount --bind ${copy} ${directory}`);
}

/** Why ufw cannot be tried; false where it can. */
export const noUfw = (): string | false => missing("ufw");

/** Enables ufw with its defaults, which drop what is forwarded. */
export function enableUfw(): AsyncDisposable {
  for (const directory of ["/etc/ufw", "/etc/default", "/lib/ufw"]) copyInPlace(directory);
  mkdirSync("/run/lock", { recursive: true });
  exec("ufw", "--force", "enable");
  return {
    [Symbol.asyncDispose]: async () => {
      exec("ufw", "--force", "disable");
    },
  };
}

/** Why firewalld cannot be tried; false where it can. */
export const noFirewalld = (): string | false => missing("firewalld") || missing("dbus-daemon");

/** How long a daemon may take until it answers, milliseconds. */
const patience = 30_000;

/** Starts firewalld, and the message bus that it needs, with its defaults: every link is in zone `public`. */
export async function startFirewalld(): Promise<AsyncDisposable> {
  copyInPlace("/etc/firewalld");
  mkdirSync("/run/dbus", { recursive: true });
  mkdirSync("/run/firewalld", { recursive: true });
  const children = [
    spawn("dbus-daemon", ["--system", "--nofork", "--nopidfile"], { stdio: "ignore" }),
    spawn("firewalld", ["--nofork", "--nopid"], { stdio: "ignore" }),
  ];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
  };
  for (const giveUp = performance.now() + patience; !answers(); ) {
    if (performance.now() > giveUp) {
      await stop();
      throw new Error("firewalld does not answer");
    }
    await sleep(100);
  }
  return { [Symbol.asyncDispose]: stop };
}

function answers(): boolean {
  try {
    exec("firewall-cmd", "--state");
    return true;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}
