/** Published ports that a process took while no engine held them. */
import type { Check } from "./check.ts";

export const lostPorts: Check = async ({ context }) =>
  [...context.lostPorts.values()].map((refusal) => ({
    code: "port-lost",
    severity: "warning" as const,
    title: `${refusal.object} is published, but not held: another process has it`,
    detail: `${refusal.reason}; what comes by that port goes to the sandbox, not to the process`,
    advice: "end that process, or publish another port, and run `portolan reconcile`",
  }));
