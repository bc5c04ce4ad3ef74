/** An engine on its caller's thread: for tests, and wherever a thread of its own is not worth its memory. */
import type { Kernel } from "../kernel/kernel.ts";
import { Core } from "./core.ts";
import type { Engine } from "./engine.ts";

/** Makes an engine around a kernel seam, which it closes at its end. */
export function createInlineEngine(kernel: Kernel): Engine {
  const core = new Core(kernel);
  let sweeping: Promise<void> | undefined;

  /** Sweeps when the caller has its answer. */
  function sweepLater(): void {
    if (!core.hasDeparting || sweeping !== undefined) return;
    sweeping = new Promise((resolve) => {
      setImmediate(() => {
        core.rest();
        sweeping = undefined;
        resolve();
      });
    });
  }

  return {
    apply: async (plan) => {
      try {
        core.apply(plan);
      } finally {
        sweepLater();
      }
    },
    observe: async (desired, left) => core.observe(desired, left),
    watchRuleset: async (listener) => core.watchRuleset(listener),
    mendRuleset: async (desired) => {
      try {
        return core.mendRuleset(desired);
      } finally {
        sweepLater();
      }
    },
    tryPackets: async (question) => core.tryPackets(question),
    facts: async (namespace) => core.facts(namespace),
    readSysctls: async (namespace, names) => core.readSysctls(namespace, names),
    heldPorts: async () => core.heldPorts(),
    portRefusals: async (claims) => core.portRefusals(claims),
    linkStatistics: async (links) => core.linkStatistics(links),
    findClaim: (namespace, link, addresses) => core.findClaim(namespace, link, addresses),
    features: async () => core.features(),
    namespaceExists: async (path) => core.namespaceExists(path),
    settle: async () => {
      while (core.hasDeparting) {
        sweepLater();
        await sweeping;
      }
    },
    close: async () => {
      await sweeping;
      await core.close();
    },
  };
}
