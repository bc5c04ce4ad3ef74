/** The plugin types there are. */
import { bandwidth } from "./bandwidth.ts";
import { bridge } from "./bridge.ts";
import { firewall } from "./firewall.ts";
import { hostDevice } from "./host-device.ts";
import * as hostLocal from "./host-local.ts";
import { ipvlan, macvlan } from "./parented.ts";
import type { Plugin } from "./plugin.ts";
import { portmap } from "./portmap.ts";
import { portolan } from "./portolan.ts";
import { ptp } from "./ptp.ts";
import { sbr } from "./sbr.ts";
import * as fixed from "./static.ts";
import { loopback, tuning } from "./tuning.ts";
import { vlan } from "./vlan.ts";
import { vrf } from "./vrf.ts";

export const plugins: ReadonlyMap<string, Plugin> = new Map(
  Object.entries({
    bandwidth,
    bridge,
    firewall,
    "host-device": hostDevice,
    "host-local": hostLocal,
    ipvlan,
    loopback,
    macvlan,
    portmap,
    portolan,
    ptp,
    sbr,
    static: fixed,
    tuning,
    vlan,
    vrf,
  }),
);
