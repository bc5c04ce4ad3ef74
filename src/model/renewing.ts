/** The ledger of the records, and networks whose driver decides otherwise on the host as it is now than on the one that they were made for. */
import type { Owner } from "../state/ledger.ts";
import type { KernelObject } from "../state/objects.ts";
import type { NetworkRecord, StoreChange } from "../store/records.ts";
import type { Context } from "./context.ts";
import { networkObjects, networkOwner, sandboxChange } from "./descriptions.ts";
import { fillOriginals } from "./transact.ts";

/** Every owner's description, as records and drivers give it. */
export function rebuildLedger(context: Context): void {
  const { records, ledger, originals } = context;
  const descriptions = new Map<Owner, readonly KernelObject[] | undefined>();
  for (const network of records.networks.values()) {
    descriptions.set(networkOwner(network.id), networkObjects(context, network, records.joinedCount(network.id)));
  }
  for (const sandbox of records.sandboxes.values()) {
    const endpoints = records.endpointsOfSandbox(sandbox.id);
    for (const [owner, objects] of sandboxChange(context, sandbox, [], endpoints)) {
      if (!owner.startsWith("network:")) descriptions.set(owner, objects);
    }
  }
  ledger.propose(fillOriginals(descriptions, (name) => originals.get(name))).commit();
}

/** A network as it is, as it would be on this host, and what of the host has changed. */
export interface Renewal {
  readonly before: NetworkRecord;
  readonly after: NetworkRecord;
  readonly why: string;
}

/** The networks that would be otherwise on the host as it is now. */
export async function renewals(context: Context): Promise<readonly Renewal[]> {
  const host = await context.engine.facts("host");
  return [...context.records.networks.values()].flatMap((before): readonly Renewal[] => {
    const found = before.configOnly ? undefined : context.drivers.get(before.driver)?.refresh?.(before, host);
    return found === undefined ? [] : [{ before, after: { ...before, config: found.config }, why: found.why }];
  });
}

/** Puts the records of renewed networks; the ledger is to be rebuilt then. Answers with what takes the records back, and the ledger with them. */
export function renew(context: Context, renewed: readonly Renewal[]): () => void {
  for (const { after } of renewed) context.records.putNetwork(after);
  return () => {
    for (const { before } of renewed) context.records.putNetwork(before);
    rebuildLedger(context);
  };
}

/** The writes that keep renewed networks as they were, or as they are. */
export const recordWrites = (renewed: readonly Renewal[], which: "before" | "after"): readonly StoreChange[] =>
  renewed.map(({ [which]: record }) => ({ op: "put", collection: "network", record }));
