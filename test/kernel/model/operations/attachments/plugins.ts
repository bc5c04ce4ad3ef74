/** Configurations of plugins. */
import { nic } from "../operation.ts";
import type { Link } from "./calls.ts";

const range = (subnet: string) => [{ subnet }];
const routes = [{ dst: "0.0.0.0/0" }, { dst: "10.99.0.0/16", gw: "10.88.0.1", mtu: 1400, priority: 7 }];

export const bridge: Link = {
  type: "bridge",
  bridge: "cni7",
  isDefaultGateway: true,
  ipMasq: true,
  hairpinMode: true,
  mtu: 1450,
  ipam: { type: "host-local", ranges: [range("10.88.0.0/24"), range("fd00:88::/64")], routes: routes.slice(1) },
};
export const otherBridge: Link = {
  type: "bridge",
  bridge: "cni8",
  isGateway: true,
  ipam: { type: "host-local", ranges: [range("10.89.0.0/24")], routes: routes.slice(0, 1) },
};
/** Held to its own MAC address, and apart from the bridge's other ports. */
export const guarded: Link = { ...otherBridge, macspoofchk: true, portIsolation: true };
export const inVlan: Link = {
  ...otherBridge,
  vlan: 10,
  vlanTrunk: [{ minID: 20, maxID: 29 }, { id: 40 }],
  preserveDefaultVlan: false,
};
/** With something in the firewall, whose table stays as long as the network. */
export const masqueraded: Link = { ...otherBridge, ipMasq: true };
export const portmap: Link = {
  type: "portmap",
  capabilities: { portMappings: true },
  runtimeConfig: {
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "127.0.0.1" },
    ],
  },
};
export const tuning: Link = {
  type: "tuning",
  mac: "02:00:00:00:00:77",
  mtu: 1300,
  promisc: true,
  allmulti: true,
  txQLen: 500,
  sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1", "net.ipv4.ip_unprivileged_port_start": "80" },
};
export const bandwidth: Link = {
  type: "bandwidth",
  ingressRate: 8_000_000,
  ingressBurst: 1_600_000,
  egressRate: 4_000_000,
  egressBurst: 800_000,
};
export const firewall: Link = { type: "firewall", ingressPolicy: "same-bridge" };
export const sbr: Link = { type: "sbr" };
export const ptp: Link = {
  type: "ptp",
  ipMasq: true,
  ipam: { type: "host-local", ranges: [range("10.90.0.0/24"), range("fd00:90::/64")], routes: routes.slice(0, 1) },
};
/** On the bridge of the network `front`. */
export const macvlan: Link = {
  type: "macvlan",
  master: "front0",
  mode: "bridge",
  ipam: { type: "static", addresses: [{ address: "10.91.0.7/24", gateway: "10.91.0.1" }], routes: routes.slice(0, 1) },
};
/** On what the first network has made in the container. */
export const macvlanInside: Link = { ...macvlan, master: "eth0", linkInContainer: true };
export const loopback: Link = { type: "loopback" };
/** Lends the network card of the surroundings. */
export const hostDevice: Link = {
  type: "host-device",
  device: nic,
  ipam: {
    type: "host-local",
    ranges: [range("10.92.0.0/24"), range("fd00:92::/64")],
    routes: routes.slice(0, 1),
  },
};
export const portolan: Link = {
  type: "portolan",
  ipam: { pools: [{ subnet: "10.93.0.0/24" }, { subnet: "fd00:93::/64" }] },
  capabilities: { portMappings: true, aliases: true },
  runtimeConfig: {
    portMappings: [{ hostPort: 8081, containerPort: 80, protocol: "tcp" }],
    aliases: { net: ["www"], front: ["www"] },
  },
};
export const portolanMacvlan: Link = {
  type: "portolan",
  driver: "macvlan",
  master: "front0",
  ipam: { subnet: "10.94.0.0/24" },
};
export const ipvlan: Link = { ...macvlan, type: "ipvlan", mode: "l2" };
export const vlan: Link = { ...macvlan, type: "vlan", vlanId: 7, mode: undefined };
export const vrf: Link = { type: "vrf", vrfname: "red" };
