/** Keeps the anchor of connections (firewall/anchor.ts) standing as long as the firewall's table is wanted and the process lives. */

import { anchorObjects } from "../firewall/anchor.ts";
import { table } from "../firewall/building.ts";
import type { Engine } from "../state/engine.ts";
import type { Ledger } from "../state/ledger.ts";
import { plan } from "../state/plan.ts";
import type { Problem } from "./types.ts";

export class Anchor {
  readonly #engine: Pick<Engine, "apply">;
  readonly #ledger: Pick<Ledger, "wants">;
  #stands = false;
  #refusal: unknown;

  constructor(engine: Pick<Engine, "apply">, ledger: Pick<Ledger, "wants">) {
    this.#engine = engine;
    this.#ledger = ledger;
  }

  /** Puts it up or takes it down where the table has come or gone. Nobody else changes that meanwhile. A kernel that has no such tables is asked once. */
  async follow(): Promise<void> {
    const wanted = this.#ledger.wants(table);
    if (wanted === this.#stands || this.#refusal !== undefined) return;
    try {
      await this.#engine.apply(wanted ? plan(anchorObjects, []) : plan([], anchorObjects));
      this.#stands = wanted;
    } catch (error) {
      this.#refusal = error;
    }
  }

  problems(): readonly Problem[] {
    if (this.#refusal === undefined) return [];
    return [
      {
        code: "no-anchor",
        severity: "info",
        title: "connections through published ports end when somebody flushes the ruleset",
        detail: this.#refusal instanceof Error ? this.#refusal.message : String(this.#refusal),
        advice: "use Linux 5.12 or newer, whose nftables has tables that only their maker can remove",
      },
    ];
  }
}
