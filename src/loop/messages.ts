/** What goes between the main thread and the one that serves. */
import type { ErrorJson } from "../errors.ts";

/** What runs on that thread (services/worker.ts). */
export type ServiceName = "naming" | "proxy";

/** To a service; without `call` it has no answer. With `ends` it is the service's last. */
export interface Envelope {
  readonly service: ServiceName;
  readonly request: unknown;
  readonly call?: number;
  readonly ends?: true;
}

/** `fault` is one that nobody asked about. */
export type Reply =
  | { readonly call: number; readonly value?: unknown; readonly error?: ErrorJson }
  | { readonly fault: string };

/** Words of 32 bits in the memory that both threads see: 1 ends the thread when it is woken; by which descriptor it is woken (0: not yet); 1 says that messages wait. */
export const stopWord = 0;
export const wakerWord = 1;
export const messagesWord = 2;
export const sharedBytes = 12;
