/** The private host of the rtnetlink tests: our messages on one side, the `ip` and `bridge` commands on the other. */
import assert from "node:assert/strict";
import { after } from "node:test";
import type { NamespaceRef } from "../../../../src/kernel/kernel.ts";
import { createKernel } from "../../../../src/kernel/linux.ts";
import type { NetlinkMessage } from "../../../../src/kernel/netlink/message.ts";
import { decodeLink, getLink, type LinkInfo } from "../../../../src/kernel/netlink/route/link.ts";
import type { MessageBody } from "../../../../src/kernel/netlink/route/rtnetlink.ts";
import { enterTestHost, missing, run } from "../../../support/test-host.ts";

export { run } from "../../../support/test-host.ts";

enterTestHost();

/** The kernel as seen from the private host. */
export const kernel = createKernel();
after(() => kernel.close());

/** Why the comparisons with `ip` cannot run; false where they can. */
export const skipIp = missing("ip");
/** Why the comparisons with `bridge` cannot run; false where they can. */
export const skipBridge = missing("bridge");

/** Sends messages of which none may be refused. */
export function send(...messages: readonly NetlinkMessage[]): void {
  const refusals = kernel.send("host", "route", messages).filter((refusal) => refusal !== undefined);
  assert.deepEqual(refusals, []);
}

/** The errno name with which the kernel refuses a message. */
export function refusal(message: NetlinkMessage): string | undefined {
  return kernel.send("host", "route", [message])[0]?.code;
}

/** A dump, decoded; what the decoder passes over is left out. */
export function dump<T>(
  request: NetlinkMessage,
  decode: (message: MessageBody) => T | undefined,
  namespace: NamespaceRef = "host",
): readonly T[] {
  return kernel
    .dump(namespace, "route", request)
    .map((message) => decode(message))
    .filter((info) => info !== undefined);
}

/** A link by name, which must be there. */
export function link(name: string, namespace: NamespaceRef = "host"): LinkInfo {
  const [answer] = kernel.get(namespace, "route", getLink({ name }));
  const info = answer && decodeLink(answer);
  assert.ok(info, `link ${name}`);
  return info;
}

/** What a command prints with `-json -details`, as objects. */
export function json(line: string): readonly Readonly<Record<string, unknown>>[] {
  const [command, ...rest] = line.split(" ");
  return JSON.parse(run(`${command} -j -d ${rest.join(" ")}`) || "[]");
}

/** Asserts that `actual` has all of `expected`'s fields with the same values. */
export function assertHas(actual: object | undefined, expected: object): void {
  assert.ok(actual, `nothing found that has ${JSON.stringify(expected)}`);
  const shared = Object.fromEntries(Object.entries(actual).filter(([key]) => key in expected));
  assert.deepEqual(shared, expected);
}
