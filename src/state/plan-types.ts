/** A plan: ordered changes to kernel objects, each with its inverse by construction. */
import type { KernelObject } from "./objects.ts";

export type Change =
  | { readonly action: "create"; readonly object: KernelObject }
  | { readonly action: "update"; readonly object: KernelObject; readonly before: KernelObject }
  | { readonly action: "delete"; readonly object: KernelObject };

export type Plan = readonly Change[];
