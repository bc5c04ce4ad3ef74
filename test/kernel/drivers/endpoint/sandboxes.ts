/** Sandboxes of a controller in the test's own host, looked at from inside. */
import { addressOf } from "../../../../src/address/cidr.ts";
import type { EndpointInfo, NetworkController } from "../../../../src/model/types.ts";
import { exec } from "../../../support/test-host.ts";

/** Runs a command in a sandbox and returns what it prints. */
export const inside = (controller: NetworkController, sandbox: string, ...command: readonly string[]): string =>
  exec("nsenter", `--net=${controller.sandbox(sandbox).info().namespace}`, ...command);

/** Whether a command succeeds in a sandbox. */
export function succeeds(controller: NetworkController, sandbox: string, ...command: readonly string[]): boolean {
  try {
    inside(controller, sandbox, ...command);
    return true;
  } catch {
    return false;
  }
}

/** Whether one ping is answered within a second. */
export const pings = (controller: NetworkController, sandbox: string, ...target: readonly string[]): boolean =>
  succeeds(controller, sandbox, "ping", "-c", "1", "-W", "1", ...target);

/** What an endpoint's address is, without its prefix length. */
export function addressIn({ ipv4, ipv6 }: EndpointInfo, family: 4 | 6): string {
  const address = family === 4 ? ipv4 : ipv6;
  if (address === undefined) throw new Error(`the endpoint has no IPv${family} address`);
  return addressOf(address);
}

interface ListedRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev: string;
  readonly protocol: string;
}

/** Routes of a sandbox that are of the engine's making, a line each. */
export function ownRoutes(controller: NetworkController, sandbox: string, family: 4 | 6): readonly string[] {
  const listed = inside(controller, sandbox, "ip", `-${family}`, "-j", "route", "show", "proto", "112");
  // What iproute2 prints for these arguments.
  return (JSON.parse(listed || "[]") as readonly ListedRoute[])
    .map(({ dst, gateway, dev }) => `${dst}${gateway === undefined ? "" : ` via ${gateway}`} dev ${dev}`)
    .toSorted();
}
