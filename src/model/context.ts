/** What the model's operations work on. One for each controller. */

import type { IpAddress } from "../address/ip.ts";
import type { Driver } from "../drivers/driver.ts";
import type { PortolanError } from "../errors.ts";
import type { IpamDriver } from "../ipam/ipam.ts";
import type { HostConfiguration } from "../naming/host-configuration.ts";
import type { Engine } from "../state/engine.ts";
import type { Ledger } from "../state/ledger.ts";
import type { DepartureRecord, StoreChange } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { EndpointMaker } from "./endpoint-maker.ts";
import type { Events } from "./events.ts";
import type { Locks } from "./locks.ts";
import type { NameService } from "./name-service.ts";
import type { PortBook } from "./port-book.ts";
import type { Records } from "./records.ts";
import type { Reservations } from "./reservations.ts";

export interface Context {
  readonly records: Records;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly store: Store;
  readonly locks: Locks;
  readonly events: Events;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly ipam: ReadonlyMap<string, IpamDriver>;
  /** Values that host sysctls had before the engine changed them, by name. */
  readonly originals: Map<string, string>;
  /** MACs of endpoints under way, `NETWORKID MAC`. */
  readonly reservedMacs: Set<string>;
  /** Addresses that CNI's address management has given out. */
  readonly reservations: Reservations;
  /** Published ports, those of endpoints under way as well. */
  readonly ports: PortBook;
  /** Whether this process lives on and serves its sandboxes: it holds their ports. */
  readonly services: boolean;
  /** Looks how the host resolves names. */
  readonly hostConfiguration: () => HostConfiguration;
  /** The same when it was last looked at: what sandboxes take over. */
  readonly hostNames: { current: HostConfiguration };
  /** Who serves names; absent where the process does not live on. */
  names: NameService | undefined;
  /** Keys of published ports of which somebody was told that they are not held. */
  readonly toldLost: Set<string>;
  /** Why the names of sandboxes are not served, by id of the sandbox. */
  readonly nameProblems: Map<string, PortolanError>;
  /** Address of the host for published ports that name none, in networks that have none for it either; absent: all of them. */
  readonly publishAddress: IpAddress | undefined;
  /** Who makes the endpoints of drivers that do not describe them, by driver. */
  readonly makers: ReadonlyMap<string, EndpointMaker>;
  /** Endpoints that makers were asked for and that are not known to be whole or gone, by id. */
  readonly departures: Map<string, DepartureRecord>;
  /** Writes that wait for the next commit: intents that are fulfilled. */
  readonly deferred: StoreChange[];
  /** Called when an operation has changed what is wanted of the kernel, while it still holds its locks. */
  readonly followers: Set<() => Promise<void>>;
  /** Where the engine's namespaces and files live. */
  readonly runDir: string;
  readonly bootId: string;
  /** That many random bytes. */
  readonly random: (count: number) => Uint8Array;
  /** Nanoseconds since 1970. */
  readonly now: () => bigint;
}

/** A new id: 64 hexadecimal digits. */
export const newId = (context: Context): string => Buffer.from(context.random(32)).toString("hex");

/** The time now in RFC 3339 with nanoseconds, UTC. */
export function timestamp(context: Context): string {
  const now = context.now();
  const seconds = new Date(Number(now / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${(now % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}
