/** Keys of the model's locks. Whoever needs several asks for them at once. */
import type { NetworkRecord } from "../store/records.ts";
import type { LockRequest } from "./locks.ts";
import { isPredefined } from "./predefined.ts";

/** What networks share on the host: sysctls, the table of the firewall, pools. */
export const hostKey: LockRequest = { key: "host", mode: "exclusive" };

export const networkKey = (id: string, mode: LockRequest["mode"]): LockRequest => ({ key: `network:${id}`, mode });
export const sandboxKey = (id: string): LockRequest => ({ key: `sandbox:${id}`, mode: "exclusive" });
export const endpointKey = (id: string): LockRequest => ({ key: `endpoint:${id}`, mode: "exclusive" });

/** The right to make a sandbox of that name. */
export const sandboxNameKey = (name: string): LockRequest => ({ key: `sandbox-name:${name}`, mode: "exclusive" });
/** The right to make an endpoint of that name in a network. */
export const endpointNameKey = (networkId: string, name: string): LockRequest => ({
  key: `endpoint-name:${networkId}:${name}`,
  mode: "exclusive",
});

/** What an endpoint's coming and going needs of its network: the predefined ones are made with their first endpoint. */
export const membershipKeys = (network: NetworkRecord): readonly LockRequest[] =>
  isPredefined(network) ? [hostKey, networkKey(network.id, "shared")] : [networkKey(network.id, "shared")];

/** The right to give endpoints of a network these link-local addresses. */
export const linkLocalKeys = (networkId: string, addresses: readonly string[]): readonly LockRequest[] =>
  addresses.map((address) => ({ key: `link-local:${networkId}:${address}`, mode: "exclusive" }));
