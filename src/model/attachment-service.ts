/** The model's face to CNI's plugins. */

import { localMac } from "../address/mac.ts";
import { baseObjects } from "../firewall/table.ts";
import { linkKey } from "../state/kind.ts";
import { keyOf, kindOf } from "../state/kinds/registry.ts";
import { plan } from "../state/plan.ts";
import type { StoreChange } from "../store/records.ts";
import { detach } from "./attachment-departure.ts";
import { forgetNetwork, joinNetwork } from "./attachment-joins.ts";
import { attachmentsOf, findAttachment } from "./attachment-records.ts";
import { told } from "./attachment-told.ts";
import type { Attachments } from "./attachment-types.ts";
import { attach } from "./attachments.ts";
import { type Context, timestamp } from "./context.ts";
import { endpointOwner, sandboxOwner } from "./descriptions.ts";
import { Locks } from "./locks.ts";
import { checkFeatures } from "./network-request.ts";
import { reservationId } from "./reservations.ts";
import { commitAll } from "./transact.ts";

/** Makes it; `carryOut` carries out what adds to the firewall. */
export function createAttachments(
  context: Context,
  carryOut: <Result>(operation: () => Promise<Result>) => Promise<Result>,
): Attachments {
  const { engine, ledger, records, reservations } = context;
  const turns = new Locks();
  return {
    requireFeatures: (network, required) => checkFeatures(context, network, required),
    inTurn: ({ group, member }, work) =>
      turns.hold(
        member === undefined
          ? [{ key: group, mode: "exclusive" }]
          : [
              { key: group, mode: "shared" },
              { key: `${group} ${member}`, mode: "exclusive" },
            ],
        work,
      ),
    publishAddress: context.publishAddress,
    attach: (key, namespace, decide) => carryOut(() => attach(context, key, namespace, decide)),
    join: (key, namespace, network, endpoint, decide) =>
      carryOut(() => joinNetwork(context, key, namespace, network, endpoint, decide)),
    detach: async (key, plugin) => {
      await detach(context, key, plugin);
      await forgetNetwork(context, key.network);
    },
    forgetEmpty: (network) => forgetNetwork(context, network),
    told: (endpoint) => told(context, endpoint),
    hasDriver: (name) => context.drivers.has(name),
    find: (key) => findAttachment(context, key),
    of: (network) => attachmentsOf(context, network),
    sandboxOf: ({ join }) => join && records.sandboxes.get(join.sandboxId),
    wantedLink(name) {
      const found = ledger.get(linkKey("host", name));
      return found?.kind === "link" ? found : undefined;
    },
    wantsAddress: (link, address) => ledger.get(`address host ${link} ${address}`) !== undefined,
    facts: (namespace) => engine.facts(namespace),
    namespaceExists: (path) => engine.namespaceExists(path),
    readSysctls: (namespace, names) => engine.readSysctls(namespace, names),
    readLinkSettings: (namespace, settings) => engine.readLinkSettings(namespace, settings),
    newMac: () => localMac(context.random(6)),
    newLinkName: (prefix) => `${prefix}${Buffer.from(context.random(4)).toString("hex")}`,
    async differences(endpoint, adapt) {
      const owners = [endpointOwner(endpoint.id), ...(endpoint.join ? [sandboxOwner(endpoint.join.sandboxId)] : [])];
      const wanted = owners.flatMap((owner) => ledger.of(owner)).flatMap((object) => adapt(object) ?? []);
      const keys = new Set(wanted.map(keyOf));
      // Elements are found in the sets that are looked at.
      const sets = wanted.some(({ kind }) => kind === "nft-element") ? baseObjects : [];
      const observed = (await engine.observe([...wanted, ...sets])).filter((object) => keys.has(keyOf(object)));
      return plan(wanted, observed).map(
        ({ action, object }) => `${action === "create" ? "missing" : "changed"}: ${kindOf(object).words(object)}`,
      );
    },
    reservation: (pool, holder) => reservations.of(pool, holder),
    reservations: (pool) => reservations.all(pool),
    isReserved: (pool, address) => reservations.isTaken(pool, address),
    lastReserved: (pool, set) => reservations.last(pool, set),
    async reserve(pool, { containerId, interfaceName }, addresses, written) {
      const id = reservationId(pool, { containerId, interfaceName });
      const record = { id, pool, containerId, interfaceName, created: timestamp(context), addresses };
      // Nobody else gets them from here on.
      reservations.add(record);
      const writes: readonly StoreChange[] = [
        { op: "put", collection: "reservation", record },
        { op: "put", collection: "setting", record: reservations.setting(pool) },
      ];
      if (written === "along") {
        context.deferred.push(...writes);
        return;
      }
      try {
        await commitAll(context, writes);
      } catch (error) {
        reservations.remove(record);
        throw error;
      }
    },
    async release(taken) {
      if (taken.length === 0) return;
      await commitAll(
        context,
        taken.map(({ id }) => ({ op: "delete", collection: "reservation", id })),
      );
      for (const record of taken) reservations.remove(record);
    },
  };
}
