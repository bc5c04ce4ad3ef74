/** Faults in addresses. */
import { isObject, list, text } from "../../suite/json.ts";
import { configOf, type MutantCall, type Mutation, quiet, resultOf, withoutKeys } from "../mutation.ts";

/** The addresses of a result, changed. */
const addressed = (change: (address: string) => string) =>
  resultOf((result) => ({
    ...result,
    ips: list(result, "ips").map((ip) => (isObject(ip) ? { ...ip, address: change(text(ip, "address") ?? "") } : ip)),
  }));

const ofIpam =
  (...keys: readonly string[]) =>
  (call: MutantCall): MutantCall => {
    const config = configOf(call);
    const { ipam } = config;
    if (!isObject(ipam)) return call;
    const left = Object.fromEntries(Object.entries(ipam).filter(([key]) => !keys.includes(key)));
    return { ...call, stdin: JSON.stringify({ ...config, ipam: left }) };
  };

/** Faults in addresses. */
export const numbers: Readonly<Record<string, Mutation>> = {
  "off-by-one": {
    fault: "gives the address after the one that is due",
    answered: addressed((address) =>
      address.replace(
        /(\w+)\/(\d+)$/,
        (_all, last: string, length: string) => `${(Number.parseInt(last, 16) + 1).toString(16)}/${length}`,
      ),
    ),
    noticed: [
      "the first address of a subnet",
      "a range is given out",
      "IPv6 ranges are given",
      "ranges of one list",
      "network, gateway and broadcast",
      "is the result's and is not given out",
      "asked for with a prefix length",
      "static: an address of each family",
      "gives its container the static address",
      "each list of ranges",
    ],
  },
  "no-gateway-of-its-own": {
    fault: "does not know a gateway of the configuration",
    given: ofIpam("gateway"),
    noticed: ["is the result's and is not given out"],
  },
  "whole-subnets": {
    fault: "does not know the ends of a range",
    given: ofIpam("rangeStart", "rangeEnd"),
    noticed: [
      "a range is given out",
      "8 ADDs at once on a range of 5",
      "when no address is left the error",
      "IPv6 ranges",
    ],
  },
  "one-network": {
    fault: "keeps the addresses of all networks together",
    given: (call) =>
      call.type === "host-local" && call.command !== "VERSION"
        ? { ...call, stdin: JSON.stringify({ ...configOf(call), name: "all" }) }
        : call,
    noticed: ["networks of different names do not share"],
  },
  "keeps-static": {
    fault: "does not check static addresses",
    given: (call) => {
      const config = configOf(call);
      return call.type === "static" && list(config, "ipam", "addresses").length > 0 && call.command === "ADD"
        ? {
            ...call,
            stdin: JSON.stringify({ ...config, ipam: { type: "static", addresses: [{ address: "10.0.0.5/24" }] } }),
          }
        : call;
    },
    noticed: [
      'the address "somewhere/24"',
      'the address "10.0.0.300/24"',
      'the address "10.0.0.5" is refused',
      "addresses, gateways, routes and dns",
      "static: an address of each family",
    ],
  },
  "never-frees": {
    fault: "keeps every address for ever",
    instead: ({ command, type }) => (command === "DEL" && type === "host-local" ? quiet : undefined),
    noticed: [
      "an address that is given back can be",
      "DEL takes only the address of its own",
      "none of the others loses one",
      "DEL succeeds in any circumstances",
    ],
  },
  "frees-all": {
    fault: "frees every address of a container at DEL",
    given: (call) => {
      const directory = text(configOf(call), "ipam", "dataDir");
      return call.command === "DEL" && call.type === "host-local" && directory !== undefined
        ? { ...call, environment: { ...call.environment, CNI_IFNAME: "eth0" } }
        : call;
    },
    noticed: ["DEL takes only the address of its own"],
  },
  "one-family": {
    fault: "gives IPv4 addresses alone",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").filter((ip) => !(text(ip, "address") ?? "").includes(":")),
    })),
    noticed: [
      "a dual-stack result has the form of 1.0.0",
      "a dual-stack result has the form of 0.3.1",
      "each list of ranges",
      "static: an address of each family",
    ],
  },
  "ips-without-version": {
    fault: "leaves the version of addresses out, which 1.0.0 did away with",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) =>
        isObject(ip) ? Object.fromEntries(Object.entries(ip).filter(([key]) => key !== "version")) : ip,
      ),
    })),
    noticed: [
      "the result of a bridge has the form of 0.3.1",
      "the result of a bridge has the form of 0.4.0",
      "own result has the form of 0.3.0",
      "a dual-stack result has the form of 0.4.0",
    ],
  },
  "no-resolv-conf": {
    fault: "does not read resolvConf",
    given: ofIpam("resolvConf"),
    noticed: ["resolvConf is read", "dns of the IPAM plugin is dns"],
  },
  "deaf-to-the-runtime": {
    fault: "does not pass runtimeConfig on",
    given: withoutKeys("runtimeConfig"),
    noticed: [
      "goes before args.cni and CNI_ARGS",
      "runtimeConfig.ips passes through",
      "runtimeConfig.ipRanges passes through",
    ],
  },
};
