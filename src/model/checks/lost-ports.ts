/** Published ports that are not held, and why they cannot be. */
import type { KernelRefusal } from "../../kernel/kernel.ts";
import { adviceFor, wordsFor } from "../../state/refusal.ts";
import { lostPorts as findLostPorts } from "../held-ports.ts";
import type { Problem } from "../types.ts";
import type { Check } from "./check.ts";

export const lostPorts: Check = async ({ context }) => {
  const lost = await findLostPorts(context);
  const refusals = lost.length === 0 ? [] : await context.engine.portRefusals(lost);
  return lost.map((port, at) => problemOf(wordsFor(port), refusals[at]));
};

function problemOf(port: string, refusal: KernelRefusal | undefined): Problem {
  const common = { code: "port-lost", severity: "warning" } as const;
  const title = `${port} is published, but not held: `;
  if (refusal === undefined) {
    return {
      ...common,
      title: `${title}nobody has it now`,
      detail: "what comes by it goes to its sandbox; until it is held another process can take it",
      advice: "run `portolan reconcile`",
    };
  }
  const reason = `${refusal.code}: ${refusal.message}`;
  if (refusal.code === "EADDRINUSE") {
    return {
      ...common,
      title: `${title}another process has it`,
      detail: `${reason}; what comes by it goes to its sandbox, not to the process`,
      advice: "end that process, or publish another port, and run `portolan reconcile`",
    };
  }
  const hint = adviceFor(refusal.code);
  return {
    ...common,
    title: `${title}the kernel refuses it`,
    detail: `${reason}; what comes by it goes to its sandbox; another process may take it`,
    advice: `${hint === undefined ? "remove what is in the way" : hint}; then run \`portolan reconcile\``,
  };
}
