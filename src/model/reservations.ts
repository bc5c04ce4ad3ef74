/** Addresses that CNI's address management gives out: in memory by address and by who has them, in the store for the next engine. */
import type { IpAddress } from "../address/ip.ts";
import type { ReservationRecord, SettingRecord } from "../store/records.ts";
import type { ReservationHolder } from "./attachment-types.ts";

/** The reservations of one pool. */
class Pool {
  readonly #byId = new Map<string, ReservationRecord>();
  readonly #taken = new Map<IpAddress, string>();
  /** The address that was given out last, by set. */
  readonly #last: (IpAddress | undefined)[] = [];

  add(record: ReservationRecord): void {
    this.#byId.set(record.id, record);
    for (const [set, address] of record.addresses.entries()) {
      this.#taken.set(address, record.id);
      this.#last[set] = address;
    }
  }

  remove(record: ReservationRecord): void {
    // Who gives back twice at once must not take from whoever has come between.
    if (this.#byId.get(record.id) !== record) return;
    this.#byId.delete(record.id);
    for (const address of record.addresses) this.#taken.delete(address);
  }

  get(id: string): ReservationRecord | undefined {
    return this.#byId.get(id);
  }

  isTaken(address: IpAddress): boolean {
    return this.#taken.has(address);
  }

  get lasts(): readonly (IpAddress | undefined)[] {
    return this.#last;
  }

  /** Goes on where another engine ended. */
  resume(last: readonly (IpAddress | undefined)[]): void {
    this.#last.splice(0, this.#last.length, ...last);
  }

  all(): readonly ReservationRecord[] {
    return [...this.#byId.values()];
  }
}

/** Store record of the addresses that were given out last of a pool: what was given back is not the next to be given. */
const lastSetting = "last-reserved ";

/** The id of a holder's record. */
export const reservationId = (pool: string, { containerId, interfaceName }: ReservationHolder): string =>
  `${pool} ${containerId} ${interfaceName}`;

export class Reservations {
  readonly #pools = new Map<string, Pool>();

  #pool(name: string): Pool {
    return this.#pools.getOrInsertComputed(name, () => new Pool());
  }

  /** Takes over what the store holds. */
  restore(records: readonly ReservationRecord[], settings: readonly SettingRecord[]): void {
    for (const record of records) this.#pool(record.pool).add(record);
    for (const { id, value } of settings) {
      // JSON has null for what is undefined.
      const last = id.startsWith(lastSetting) ? (JSON.parse(value) as readonly (IpAddress | null)[]) : [];
      if (last.length > 0) this.#pool(id.slice(lastSetting.length)).resume(last.map((one) => one ?? undefined));
    }
  }

  /** What a holder has in a pool. */
  of(pool: string, holder: ReservationHolder): ReservationRecord | undefined {
    return this.#pools.get(pool)?.get(reservationId(pool, holder));
  }

  /** Everything that is given out of a pool. */
  all(pool: string): readonly ReservationRecord[] {
    return this.#pools.get(pool)?.all() ?? [];
  }

  /** Whether an address of a pool is given out. */
  isTaken(pool: string, address: IpAddress): boolean {
    return this.#pools.get(pool)?.isTaken(address) ?? false;
  }

  /** The address of a set that was given out last. */
  last(pool: string, set: number): IpAddress | undefined {
    return this.#pools.get(pool)?.lasts[set];
  }

  /** Notes what is given out. */
  add(record: ReservationRecord): void {
    this.#pool(record.pool).add(record);
  }

  /** Forgets what is given back. Nothing happens where it is not this record that is there. */
  remove(record: ReservationRecord): void {
    this.#pool(record.pool).remove(record);
  }

  /** The store's record of where a pool's addresses are given out next. */
  setting(pool: string): SettingRecord {
    return { id: `${lastSetting}${pool}`, value: JSON.stringify(this.#pool(pool).lasts) };
  }
}
