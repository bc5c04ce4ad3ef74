/** Networks that this kernel cannot serve. */
import { features as known } from "../../kernel/features.ts";
import type { Problem } from "../types.ts";
import type { Check } from "./check.ts";

export const missingFeatures: Check = async ({ context, features }) =>
  [...context.records.networks.values()].flatMap((network) => {
    const required = context.drivers.get(network.driver)?.requires(network) ?? [];
    return required.flatMap((name): Problem[] => {
      const answer = features[name];
      if (answer.state !== "no") return [];
      return [
        {
          code: "missing-feature",
          severity: "error",
          title: `network ${network.name} needs ${known[name].meaning}`,
          detail: answer.reason,
          advice: `use a kernel with ${known[name].option}`,
        },
      ];
    });
  });
