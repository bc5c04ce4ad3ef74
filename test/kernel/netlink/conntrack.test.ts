/** Tracked flows as the kernel lists and forgets them, beside what `conntrack` says of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KernelError } from "../../../src/kernel/kernel.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { decodeFlow, deleteFlow, getFlowAnsweredBy, getFlows } from "../../../src/kernel/netlink/conntrack/flow.ts";
import { enterTestHost, exec, missing, run } from "../../support/test-host.ts";

enterTestHost();
// The first rule that asks for it makes the namespace track.
run("nft add table inet watch");
exec("nft", "add chain inet watch output { type filter hook output priority 0; }");
exec("nft", "add rule inet watch output ct state new counter");
const kernel = createKernel();

function sendTo(address: string, ...ports: readonly number[]): void {
  for (const port of ports) exec("bash", "-c", `echo x > /dev/udp/${address}/${port}`);
}

const flowsTo = (): readonly string[] =>
  ([4, 6] as const)
    .flatMap((family) => kernel.dump("host", "conntrack", getFlows(family, 17)).flatMap((one) => decodeFlow(one) ?? []))
    .map(({ destination, destinationPort }) => `${destination} ${destinationPort}`)
    .toSorted();

test("flows are listed as conntrack lists them", { skip: missing("conntrack") }, () => {
  sendTo("127.0.0.1", 700, 701);
  sendTo("::1", 700);
  assert.deepEqual(flowsTo(), ["127.0.0.1 700", "127.0.0.1 701", "::1 700"]);
  const theirs = ["ipv4", "ipv6"].flatMap((family) =>
    exec("conntrack", "-L", "-f", family, "-p", "udp").trim().split("\n"),
  );
  const words = theirs.map((line) => `${/dst=(\S+)/.exec(line)?.[1]} ${/dport=(\d+)/.exec(line)?.[1]}`);
  assert.deepEqual(words.toSorted(), flowsTo());
});

test("the kernel leaves out what is not asked for, and one flow is deleted", () => {
  sendTo("127.0.0.1", 710, 711);
  const found = kernel.dump("host", "conntrack", getFlows(4, 17, 711)).flatMap((one) => decodeFlow(one) ?? []);
  assert.deepEqual(
    found.map(({ destinationPort }) => destinationPort),
    [711],
  );
  assert.deepEqual(kernel.send("host", "conntrack", found.map(deleteFlow)), [undefined]);
  assert.deepEqual(
    flowsTo().filter((text) => / 71\d/.test(text)),
    ["127.0.0.1 710"],
  );
});

test("one flow is found by its answers, and none where nothing is tracked", () => {
  sendTo("::1", 720);
  const [flow] = kernel.dump("host", "conntrack", getFlows(6, 17, 720)).flatMap((one) => decodeFlow(one) ?? []);
  assert.ok(flow);
  const { source, destination, protocol, sourcePort, destinationPort } = flow;
  const answers = { source: destination, destination: source, protocol, sourcePort: destinationPort };
  const ask = (port: number) =>
    kernel
      .get("host", "conntrack", getFlowAnsweredBy({ ...answers, destinationPort: port }))
      .map((one) => decodeFlow(one));
  assert.deepEqual(ask(sourcePort), [flow]);
  assert.throws(() => ask(sourcePort + 1), KernelError);
});
