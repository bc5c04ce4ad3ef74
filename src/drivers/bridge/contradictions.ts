/** Options that contradict each other or the network they are given to: refused, because one of them would have no effect. */
import { type Family, familyOf } from "../../address/ip.ts";
import { PortolanError } from "../../errors.ts";
import type { NetworkRequest } from "../driver.ts";
import { familyOptions } from "../options.ts";
import { type NetworkOptions, predefined } from "./options.ts";

/** Why an option cannot be, and what could be instead. */
interface Contradiction {
  readonly key: keyof NetworkOptions;
  readonly reason: string;
  readonly advice: string;
}

type Check = (options: NetworkOptions, request: NetworkRequest) => Contradiction | undefined | false;

const enabled = (request: NetworkRequest, family: Family): boolean =>
  family === 4 ? request.enableIpv4 : request.enableIpv6;

const enableAdvice = (family: Family): string =>
  `leave it out, or give the network IPv${family}${family === 6 ? " (--ipv6)" : ""}`;

/** What an option for one family needs. */
function ofFamily(family: Family): readonly Check[] {
  const mode = `com.docker.network.bridge.gateway_mode_ipv${family}` as const;
  const source = `com.docker.network.host_ipv${family}` as const;
  const masquerade = "com.docker.network.bridge.enable_ip_masquerade";
  return [
    (options, request) =>
      options[familyOptions[family]] === !enabled(request, family) && {
        key: familyOptions[family],
        reason: `IPv${family} is ${enabled(request, family) ? "enabled" : "not enabled"} by the request itself`,
        advice: "say it once",
      },
    ...[mode, source].map(
      (key): Check =>
        (options, request) =>
          options[key] !== undefined &&
          !enabled(request, family) && {
            key,
            reason: `the network has no IPv${family}`,
            advice: enableAdvice(family),
          },
    ),
    (options, { internal }) =>
      options[mode] === "isolated" &&
      !internal && {
        key: mode,
        reason: "only an internal network can do without a gateway",
        advice: 'make the network internal (--internal), or give "routed", "nat" or "nat-unprotected"',
      },
    (options, { internal }) =>
      internal &&
      (options[mode] === "routed" || options[mode] === "nat-unprotected") && {
        key: mode,
        reason: "nothing comes into an internal network from outside",
        advice: 'leave it out, give "isolated", or make the network one that is not internal',
      },
    (options, { internal }) =>
      options[source] !== undefined &&
      (internal || options[masquerade] === false || options[mode] === "routed") && {
        key: source,
        reason: internal
          ? "nothing leaves an internal network"
          : options[mode] === "routed"
            ? "what leaves a routed network keeps its own address"
            : `"${masquerade}" is false, so what leaves keeps its own address`,
        advice: internal ? "leave it out" : `leave it out, or let the network be masqueraded`,
      },
  ];
}

const checks: readonly Check[] = [
  ...ofFamily(4),
  ...ofFamily(6),
  (options, { name }) =>
    options["com.docker.network.bridge.default_bridge"] === true &&
    name !== predefined.network && {
      key: "com.docker.network.bridge.default_bridge",
      reason: `the default bridge is the one of network "${predefined.network}", which is always there`,
      advice: `leave it out, or use network "${predefined.network}"`,
    },
  (options, { enableIpv4 }) =>
    options["com.docker.network.bridge.inhibit_ipv4"] === true &&
    !enableIpv4 && {
      key: "com.docker.network.bridge.inhibit_ipv4",
      reason: "the network has no IPv4",
      advice: enableAdvice(4),
    },
  (options, { internal }) =>
    options["com.docker.network.bridge.trusted_host_interfaces"] !== undefined &&
    internal && {
      key: "com.docker.network.bridge.trusted_host_interfaces",
      reason: "nothing comes into an internal network from outside",
      advice: "leave it out, or make the network one that is not internal",
    },
  (options, request) => {
    const key = "com.docker.network.bridge.host_binding_ipv4";
    const address = options[key];
    if (address === undefined) return undefined;
    if (request.internal) return { key, reason: "an internal network publishes no ports", advice: "leave it out" };
    const family = familyOf(address);
    if (options[`com.docker.network.bridge.gateway_mode_ipv${family}`] === "routed") {
      const reason = `IPv${family} is routed: its ports are opened at the sandboxes' own addresses`;
      return { key, reason, advice: "leave it out, or give another gateway mode" };
    }
    if (enabled(request, family)) return undefined;
    return { key, reason: `the network has no IPv${family} for ${address}`, advice: enableAdvice(family) };
  },
];

/** Throws `invalid-option` for the first option that contradicts another one or the request. */
export function refuseContradictions(options: NetworkOptions, request: NetworkRequest, object: string): void {
  for (const check of checks) {
    const found = check(options, request);
    if (!found) continue;
    throw new PortolanError("invalid-option", `option "${found.key}" cannot be for ${object}`, {
      object: `option "${found.key}"`,
      reason: found.reason,
      advice: found.advice,
    });
  }
}
