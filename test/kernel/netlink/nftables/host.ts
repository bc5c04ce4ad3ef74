/** The private host of the nftables tests: our messages on one side, the `nft` command on the other. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { createKernel } from "../../../../src/kernel/linux.ts";
import type { NetlinkMessage, ReceivedMessage } from "../../../../src/kernel/netlink/message.ts";
import { enterTestHost, exec, missing } from "../../../support/test-host.ts";

enterTestHost();

/** Why the comparisons with `nft` cannot run; false where they can. */
export const skipNft = missing("nft");

/** The kernel as seen from the private host. */
export const kernel = createKernel();
after(() => kernel.close());

/** Commits messages of which none may be refused. */
export function commit(...messages: readonly NetlinkMessage[]): void {
  const refusals = kernel
    .send("host", "netfilter", messages)
    .flatMap((refusal, at) => (refusal ? [{ at, refusal }] : []));
  assert.deepEqual(refusals, []);
}

/** The errno names with which the kernel refuses messages, each at its place. */
export function refusals(...messages: readonly NetlinkMessage[]): readonly (string | undefined)[] {
  return kernel.send("host", "netfilter", messages).map((refusal) => refusal?.code);
}

/** A dump, decoded; what the decoder passes over is left out. */
export function dump<T>(request: NetlinkMessage, decode: (message: ReceivedMessage) => T | undefined): readonly T[] {
  return kernel.dump("host", "netfilter", request).flatMap((message) => decode(message) ?? []);
}

/** Removes every table. */
export function flush(): void {
  exec("nft", "flush", "ruleset");
}

/** What `nft list ruleset` prints, a line each, without indentation; elements, which it breaks at will, are on one line. */
export function listing(): readonly string[] {
  return exec("nft", "list", "ruleset")
    .replaceAll(/,\s+/g, ", ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
