/** The network drivers there are: a line each. */
import { PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { attachment } from "./attachment/index.ts";
import { bridge } from "./bridge/index.ts";
import { cni } from "./cni/index.ts";
import type { Driver } from "./driver.ts";
import { host } from "./host/index.ts";
import { ipvlan } from "./ipvlan/index.ts";
import { macvlan } from "./macvlan/index.ts";
import { none } from "./none/index.ts";

/** Every driver by name. */
export const drivers: ReadonlyMap<string, Driver> = new Map(
  [attachment, bridge, cni, host, ipvlan, macvlan, none].map((driver) => [driver.name, driver]),
);

/** The driver of that name among those registered, or among others; throws `unknown-driver`. */
export function driverNamed(name: string, among: ReadonlyMap<string, Driver> = drivers): Driver {
  const driver = among.get(name);
  if (driver) return driver;
  throw new PortolanError("unknown-driver", `no network driver is called "${name}"`, {
    object: `driver "${name}"`,
    advice: `did you mean "${nearest(name, among.keys())}"? There are ${[...among.keys()].join(", ")}`,
  });
}
