/** Faults in addresses, ports and what chained plugins do. */
import { isObject, parse, text } from "../../suite/json.ts";
import { type Mutation, mappingsWithout, withoutKeys } from "../mutation.ts";

/** Faults in addresses, ports and what chained plugins do. */
export const serving: Readonly<Record<string, Mutation>> = {
  "always-2": {
    fault: "gives every container the first address",
    afterwards: ({ type, stdin }) => {
      const directory = text(parse(stdin), "ipam", "dataDir");
      return (type === "host-local" || type === "bridge") && directory !== undefined
        ? `rm -rf ${directory}`
        : undefined;
    },
    noticed: [
      "an address that is given back is not the next one",
      "when no address is left",
      "one container gets an address for each",
      "two interfaces on one network",
      "a range is given out",
      "8 ADDs at once on a range of 5",
    ],
  },
  "no-requests": {
    fault: "does not know what the runtime asks for",
    given: withoutKeys("runtimeConfig"),
    noticed: [
      "asked for by runtimeConfig.ips is given",
      "runtimeConfig.ipRanges gives",
      "runtimeConfig.mac is",
      "a tcp port is reached from outside",
      "a udp port is reached from the host at localhost",
      "ips of runtimeConfig stand for",
      "forty ports",
      "ingressRate of the runtime limits",
      "tuning takes the MAC address",
      "published by tcp to one container",
    ],
  },
  "no-metadata": {
    fault: "does not know args.cni",
    given: withoutKeys("args"),
    noticed: [
      "asked for by args.cni.ips is given",
      "args.cni.mac is",
      "args.cni.mac goes before",
      "ips of args.cni stand",
      "gets the whole configuration",
    ],
  },
  "every-address": {
    fault: "publishes at every address whatever hostIP says",
    given: mappingsWithout("hostIP"),
    noticed: [
      "hostIP publishes at that address alone",
      "hostIP 127.0.0.1 publishes to the host alone",
      "published at two addresses",
      "hostIP of one family",
    ],
  },
  "only-tcp": {
    fault: "publishes by tcp whatever the protocol",
    given: (call) => ({
      ...call,
      stdin:
        call.type === "portmap"
          ? call.stdin.replaceAll(/"protocol":"(udp|carrier-pigeon)"/g, '"protocol":"tcp"')
          : call.stdin,
    }),
    noticed: ["a udp port is reached from outside", "a protocol that is none", "datagrams of a flow"],
  },
  idle: {
    fault: "passes the previous result on and does nothing",
    instead: ({ command, type, stdin }) => {
      const config = parse(stdin);
      if (command === "VERSION" || !["portmap", "firewall", "tuning", "bandwidth", "sbr"].includes(type))
        return undefined;
      return {
        status: 0,
        stdout: command === "ADD" && isObject(config) ? JSON.stringify(config["prevResult"] ?? {}) : "",
      };
    },
    noticed: [
      "a tcp port is reached from outside",
      "a udp port is reached from another container",
      "tuning writes sysctls",
      "tuning puts the interface's name",
      "tuning changes MAC address and mtu",
      "tuning refuses a sysctl outside of net",
      "bandwidth: ingressRate of the configuration limits",
      "bandwidth: egressRate of the configuration limits",
      "firewall: containers are let through",
      "firewall: ingressPolicy same-bridge",
      "sbr: what leaves",
      "portmap without a previous result",
      "a mapping with a host port of 65536",
      "of two containers that publish the same port",
    ],
  },
  "lets-no-one-through": {
    fault: "lets nothing be forwarded",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "firewall"
        ? "nft 'add table inet shut; add chain inet shut f { type filter hook forward priority 5; policy drop; }'"
        : undefined,
    noticed: ["firewall: containers are let through", "firewall: without a policy networks reach"],
  },
  careless: {
    fault: "takes every subnet and range for good",
    instead: ({ command, type }) =>
      command === "ADD" && type === "host-local"
        ? { status: 0, stdout: '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}' }
        : undefined,
    noticed: [
      "host-local refuses a subnet that is none",
      "host-local refuses a subnet with host bits",
      "host-local refuses lists of ranges that overlap",
      "host-local refuses no range",
      "asked for by CNI_ARGS IP that is taken",
      "a second ADD for the same container and interface",
      "8 ADDs at once on a range",
    ],
  },
};
