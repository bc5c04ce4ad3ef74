/** What the proxy is asked on its thread. */
import type { ProxiedEndpoint } from "./proxy.ts";

/** `start` and `stop` have an answer. */
export type Request =
  | { readonly kind: "start"; readonly candidates: readonly number[] }
  | { readonly kind: "stop" }
  | { readonly kind: "take over" }
  | { readonly kind: "set endpoints"; readonly endpoints: readonly ProxiedEndpoint[] }
  | { readonly kind: "remove endpoint"; readonly id: string };

/** The port, of a start. */
export type AnswerValue = number | undefined;
