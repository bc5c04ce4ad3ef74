/** The kernel's refusal of a change as an error that helps: the object, the kernel's words, what to do. */
import { PortolanError } from "../errors.ts";
import type { KernelRefusal } from "../kernel/kernel.ts";
import { kindOf } from "./kinds/registry.ts";
import type { KernelObject } from "./objects.ts";
import type { Change } from "./plan-types.ts";

const verbs = { create: "make", update: "change", delete: "remove" } as const;

/** What usually helps against an errno. */
const advice: Readonly<Record<string, string>> = {
  EEXIST: "something of that identity is there and is not ours: remove it, or choose another name or address",
  EADDRINUSE: "choose another port, or end what has it",
  EADDRNOTAVAIL: "give an address that the host has",
  EMFILE:
    "raise the engine's limit of open files (LimitNOFILE= of its service, or `ulimit -n` before it starts): a held port takes one",
  ENFILE: "raise the system's limit of open files (sysctl fs.file-max): a held port takes one",
  EBUSY: "something else uses it: find out what with `portolan doctor`, and try again",
  ENODEV: "something it stands on was removed behind the engine's back: run `portolan reconcile`, and try again",
  ENOENT: "something it stands on was removed behind the engine's back: run `portolan reconcile`, and try again",
  EPERM: "the engine needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)",
  EACCES: "the engine needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)",
  EOPNOTSUPP: "this kernel lacks a feature for it: `portolan doctor` lists what it can do",
  ENOTSUPP: "this kernel lacks a feature for it: `portolan doctor` lists what it can do",
  ENETUNREACH: "the gateway is not reachable from the addresses given",
  ENOMEM: "the kernel is out of memory, or a limit on it is reached",
  EIO: "the kernel met a fault: look at its log",
};

/** What usually helps against an errno of that name. */
export const adviceFor = (code: string): string | undefined => advice[code];

/** A PortolanError `kernel` for a refused change, `in-use` for a port that somebody else has. */
export function refusalError(change: Change, refusal: KernelRefusal, suppressed: readonly unknown[]): PortolanError {
  const object = wordsFor(change.object);
  const hint = adviceFor(refusal.code);
  const code = refusal.code === "EADDRINUSE" ? "in-use" : "kernel";
  return new PortolanError(code, `cannot ${verbs[change.action]} ${object}: ${refusal.message}`, {
    object,
    reason: `${refusal.code}: ${refusal.message}`,
    ...(hint !== undefined && { advice: hint }),
    suppressed,
  });
}

/** An object in the user's words. */
export function wordsFor(object: KernelObject): string {
  return kindOf(object).words(object);
}
