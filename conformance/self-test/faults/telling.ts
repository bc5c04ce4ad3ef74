/** Faults in results and checks. */
import { isObject, list } from "../../suite/json.ts";
import { type Mutation, quiet, resultOf, sorry } from "../mutation.ts";

/** Faults in results and checks. */
export const telling: Readonly<Record<string, Mutation>> = {
  "without-dns": {
    fault: "leaves dns out of results",
    answered: resultOf(({ dns: _none, ...result }) => result),
    noticed: [
      "dns of the configuration is dns of the result",
      "addresses, gateways, routes and dns are",
      "dns and routes are still there",
      "resolvConf is read",
    ],
  },
  "without-routes": {
    fault: "leaves routes out of results",
    answered: resultOf(({ routes: _none, ...result }) => result),
    noticed: [
      "routes of the IPAM plugin are in the result",
      "routes of the configuration are the result's",
      "an IPAM plugin's own result has the form of 1.0.0",
    ],
  },
  "chained-loses": {
    fault: "loses what it does not know of a previous result",
    answered: (answer, call) =>
      ["bridge", "ptp", "macvlan", "host-local"].includes(call.type)
        ? answer
        : resultOf(({ dns: _none, ...result }) => ({ ...result, routes: [] }))(answer, call),
    noticed: ["portmap", "firewall", "tuning", "bandwidth", "sbr", "loopback"].map(
      (type) => `${type} passes the previous result on`,
    ),
  },
  "other-mac": {
    fault: "tells a MAC address that is not the interface's",
    answered: resultOf((result) => ({
      ...result,
      interfaces: list(result, "interfaces").map((item) =>
        isObject(item) ? { ...item, mac: "02:00:00:00:00:99" } : item,
      ),
    })),
    noticed: [
      "is listed with its namespace, name and the kernel's MAC",
      "as the kernel has them",
      "the result holds the MAC address",
    ],
  },
  "without-sandbox": {
    fault: "does not tell in which namespace an interface is",
    answered: resultOf((result) => ({
      ...result,
      interfaces: list(result, "interfaces").map((item) =>
        isObject(item) ? Object.fromEntries(Object.entries(item).filter(([key]) => key !== "sandbox")) : item,
      ),
    })),
    noticed: ["is listed with its namespace", "without a namespace, as the kernel"],
  },
  "wrong-interface": {
    fault: "hangs addresses on the first interface",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { ...ip, interface: 0 } : ip)),
    })),
    noticed: ["each address points at the container's interface", "the host reaches it"],
  },
  "other-address": {
    fault: "tells another address than the interface has",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { ...ip, address: "10.0.0.99/24" } : ip)),
    })),
    noticed: [
      "what the result says of addresses",
      "the first address of a subnet is .2",
      "a range is given out",
      "two containers on one network reach each other",
      "each list of ranges gives one address",
    ],
  },
  "blind-check": {
    fault: "finds everything in order at CHECK",
    instead: ({ command }) => (command === "CHECK" ? quiet : undefined),
    noticed: [
      "CHECK fails after the interface was deleted",
      "CHECK fails after its address was removed",
      "CHECK fails after its address was changed",
      "CHECK fails after the default route",
      "CHECK fails after a route of the result",
      "CHECK fails after its MAC address",
      "CHECK fails after the bridge was deleted",
      "CHECK fails after the interface was renamed",
      "CHECK without prevResult",
      "CHECK after DEL",
      "CHECK of a namespace that vanished",
      "CHECK of ptp fails",
      "CHECK of macvlan fails",
      "CHECK of tuning fails",
      "CHECK of loopback fails",
      "CHECK fails when the IPAM plugin's does",
      "CHECK calls the IPAM plugin",
      "CHECK passes while the address is given away",
      "after all firewall rules were flushed",
      "CHECK of a configuration before 0.4.0",
    ],
  },
  "nervous-check": {
    fault: "finds something at every CHECK",
    instead: ({ command }) => (command === "CHECK" ? sorry : undefined),
    noticed: [
      "CHECK passes right after ADD in version 0.4.0",
      "CHECK passes after another address",
      "CHECK of firewall passes",
      "CHECK of macvlan passes",
      "CHECK of every plugin of a chain",
      "CHECK passes on every container",
    ],
  },
  "meddling-check": {
    fault: "changes the host at CHECK",
    afterwards: ({ command }) => (command === "CHECK" ? "ip link add mine$$ type bridge" : undefined),
    noticed: ["CHECK changes nothing"],
  },
};
