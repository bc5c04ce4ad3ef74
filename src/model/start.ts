/** What a controller needs before its first operation: identity of boot and host, drivers, predefined networks. */
import { readFileSync } from "node:fs";
import type { Driver } from "../drivers/driver.ts";
import { drivers as knownDrivers } from "../drivers/registry.ts";
import type { IpamDriver } from "../ipam/ipam.ts";
import { createIpamDrivers } from "../ipam/registry.ts";
import type { Engine } from "../state/engine.ts";
import { Ledger } from "../state/ledger.ts";
import type { StoreChange } from "../store/records.ts";
import type { Store, StoreState } from "../store/store.ts";
import { poolWrites } from "./addressing.ts";
import type { Context } from "./context.ts";
import type { EndpointMaker } from "./endpoint-maker.ts";
import { Events } from "./events.ts";
import { Locks } from "./locks.ts";
import { prepareNetwork } from "./network-request.ts";
import { PortBook } from "./port-book.ts";
import { predefined } from "./predefined.ts";
import { Records } from "./records.ts";
import { Reservations } from "./reservations.ts";

/** What a context is made of. */
export interface ContextParts {
  readonly store: Store;
  readonly engine: Engine;
  readonly runDir: string;
  readonly random: Context["random"];
  readonly now: Context["now"];
  readonly publishAddress?: Context["publishAddress"];
  readonly services: boolean;
  readonly hostConfiguration: Context["hostConfiguration"];
  readonly drivers?: ReadonlyMap<string, Driver>;
  readonly ipamDrivers?: ReadonlyMap<string, IpamDriver>;
  readonly makers?: ReadonlyMap<string, EndpointMaker>;
}

/** Store record of the host's own random id, hexadecimal. */
const globalIdSetting = "ula-global-id";
/** Bytes of it (RFC 4193 §3.2.2). */
const globalIdLength = 5;

/** Makes the context of a controller; the host's own random id is made at the first start. */
export function createContext(parts: ContextParts, state: StoreState): Context {
  const { store, engine, runDir, random, now, drivers = knownDrivers } = parts;
  const known = state.setting.find(({ id }) => id === globalIdSetting)?.value;
  const globalId = known ?? Buffer.from(random(globalIdLength)).toString("hex");
  const deferred: StoreChange[] = [];
  if (known === undefined) {
    deferred.push({ op: "put", collection: "setting", record: { id: globalIdSetting, value: globalId } });
  }
  return {
    records: new Records(),
    ledger: new Ledger(),
    engine,
    store,
    locks: new Locks(),
    events: new Events(),
    drivers,
    ipam: parts.ipamDrivers ?? createIpamDrivers({ globalId: Buffer.from(globalId, "hex") }),
    originals: new Map(),
    reservedMacs: new Set(),
    publishAddress: parts.publishAddress,
    reservations: new Reservations(),
    ports: new PortBook(),
    services: parts.services,
    hostConfiguration: parts.hostConfiguration,
    hostNames: { current: parts.hostConfiguration() },
    names: undefined,
    toldLost: new Set(),
    nameProblems: new Map(),
    makers: parts.makers ?? new Map(),
    departures: new Map(),
    deferred,
    followers: new Set(),
    runDir,
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    random,
    now,
  };
}

/** Makes the predefined networks that are not there yet: at the first start, or when a driver is new. Changes nothing on the machine. */
export async function addPredefined(context: Context): Promise<void> {
  const missing = predefined.filter(
    ({ name, driver }) => context.records.networkNamed(name) === undefined && context.drivers.has(driver),
  );
  for (const { name, driver } of missing) {
    // Nothing is given back where it fails: then there is no controller.
    const record = await prepareNetwork(context, name, { name, driver }, []);
    context.deferred.push({ op: "put", collection: "network", record }, ...poolWrites(record, "put"));
    context.records.putNetwork(record);
  }
}
