/**
 * What an IPAM driver is (CNM): it gives out pools and addresses. Drivers keep their books in memory and touch neither store
 * nor kernel: the model records what they gave (PoolRecord, AddressRecord) and replays it at start with `restore`.
 */
import type { Subnet } from "../address/cidr.ts";
import type { Family, IpAddress } from "../address/ip.ts";

export interface PoolRequest {
  readonly family: Family;
  /** The very subnet wanted; absent: the driver chooses. */
  readonly subnet?: Subnet;
  /** Automatic addresses come from this part only; needs `subnet`. */
  readonly ipRange?: Subnet;
  readonly options: Readonly<Record<string, string>>;
  /** What the host uses at this moment: a chosen pool must overlap none; `what` names it in errors ("route 10.0.0.0/8 by eth0"). */
  readonly taken: readonly { readonly subnet: Subnet; readonly what: string }[];
}

export interface Pool {
  readonly id: string;
  readonly addressSpace: string;
  readonly subnet: Subnet;
  readonly ipRange?: Subnet;
}

export interface AddressRequest {
  /** The very address wanted; absent: the driver chooses. */
  readonly address?: IpAddress;
  /** `gateway` may be an address automatic choice would skip; `endpoint` is the rest. */
  readonly purpose: "gateway" | "auxiliary" | "endpoint";
  readonly options: Readonly<Record<string, string>>;
}

export interface IpamDriver {
  readonly name: string;
  /**
   * Gives out a pool; throws `pool-overlap` (naming what is in the way), `pool-exhausted`, `invalid-argument`.
   * The null driver answers undefined: networks without addresses.
   */
  requestPool(request: PoolRequest): Promise<Pool | undefined>;
  /** Takes a pool back; its addresses are gone with it. */
  releasePool(poolId: string): Promise<void>;
  /** Gives out an address; throws `address-in-use`, `address-outside`, `pool-exhausted`. */
  requestAddress(poolId: string, request: AddressRequest): Promise<IpAddress>;
  /** Takes an address back; no error where it was not given. */
  releaseAddress(poolId: string, address: IpAddress): Promise<void>;
  /** Replays what was given out before a restart. */
  restore(pools: readonly { readonly pool: Pool; readonly addresses: readonly IpAddress[] }[]): void;
}

/** What the drivers are made with. */
export interface IpamSettings {
  /** Five random bytes, the host's own for ever: the global id of its unique local prefix (RFC 4193 §3.2.2). */
  readonly globalId: Uint8Array;
}
