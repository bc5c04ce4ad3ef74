/** Which addresses `host-local` gives: of each set one, what is asked for first, and none where the sets have no more. No kernel. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { carryOut } from "../../../src/cni/plugin/answer.ts";
import { CniError } from "../../../src/cni/protocol/cni-error.ts";
import { createController } from "../../../src/model/controller.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";
import { silentServices } from "../../support/silent-services.ts";

type Call = (
  command: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS",
  container: string,
  ipam: object,
  more?: object,
) => Promise<readonly string[]>;

/** A plugin with a store of its own; its answers are the addresses. */
async function plugin(t: TestContext): Promise<Call> {
  const controller = await createController({
    engine: createMemoryEngine({ foreign: { namespaces: ["/run/netns/c"] } }),
    services: false,
    healing: false,
    thread: silentServices,
  });
  t.after(() => controller.close());
  return async (command, container, ipam, more = {}) => {
    const environment = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: "/run/netns/c",
      CNI_IFNAME: "eth0",
      CNI_PATH: "/nowhere",
      CNI_NETNS_OVERRIDE: "1",
    };
    const config = { cniVersion: "1.1.0", name: "net", ipam: { type: "host-local", ...ipam }, ...more };
    const text = await carryOut(
      { type: "host-local", environment, input: JSON.stringify(config) },
      controller.attachments,
    );
    // What an ADD prints (SPEC.md, "ADD Success").
    const { ips = [] } = JSON.parse(text || "{}") as { readonly ips?: readonly { readonly address: string }[] };
    return ips.map(({ address }) => address);
  };
}

const small = { ranges: [[{ subnet: "10.1.0.0/29" }]] };
const both = { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]] };
const code = (wanted: number, words: RegExp) => (error: unknown) =>
  error instanceof CniError && error.code === wanted && words.test(error.message);

test("each set gives one, in turn, and what was given back last comes last", async (t) => {
  const call = await plugin(t);
  assert.deepEqual(await call("ADD", "a", both), ["10.1.0.2/24", "fd00::2/64"]);
  assert.deepEqual(await call("ADD", "b", both), ["10.1.0.3/24", "fd00::3/64"]);
  await call("DEL", "a", both);
  assert.deepEqual(await call("ADD", "c", both), ["10.1.0.4/24", "fd00::4/64"]);
});

test("a set with none left is told, takes nothing of the others, and STATUS says so", async (t) => {
  const call = await plugin(t);
  const sets = { ranges: [[{ subnet: "fd00::/64" }], small.ranges[0]] };
  for (const name of ["a", "b", "c", "d", "e"]) await call("ADD", name, sets);
  await assert.rejects(
    call("ADD", "f", sets),
    code(999, /range 1: no IP addresses available in range set: 10\.1\.0\.0\/29/),
  );
  await assert.rejects(call("STATUS", "", sets), code(50, /no IP addresses/));
  await call("DEL", "c", sets);
  await call("STATUS", "", sets);
  assert.deepEqual(await call("ADD", "f", sets), ["fd00::7/64", "10.1.0.4/29"]);
});

test("what is asked for is given, or refused: nobody gets another one instead", async (t) => {
  const call = await plugin(t);
  const ips = (...list: readonly string[]) => ({ runtimeConfig: { ips: list } });
  assert.deepEqual(await call("ADD", "a", both, ips("fd00::99", "10.1.0.9")), ["10.1.0.9/24", "fd00::99/64"]);
  await assert.rejects(call("ADD", "b", both, ips("10.1.0.9")), /10\.1\.0\.9 is not available/);
  await assert.rejects(call("ADD", "b", both, ips("10.1.0.1")), /the gateway's/);
  await assert.rejects(
    call("ADD", "b", both, ips("192.0.2.1")),
    code(999, /failed to allocate all requested IPs: 192\.0\.2\.1/),
  );
  assert.deepEqual(await call("ADD", "b", both), ["10.1.0.10/24", "fd00::9a/64"]);
});

test("a container has its addresses once, networks and directories have theirs, and DEL of nothing is fine", async (t) => {
  const call = await plugin(t);
  await call("ADD", "a", small);
  await assert.rejects(call("ADD", "a", small), /duplicate allocation/);
  assert.deepEqual(await call("ADD", "a", { ...small, dataDir: "/elsewhere" }), ["10.1.0.2/29"]);
  assert.deepEqual(await call("ADD", "a", small, { name: "other" }), ["10.1.0.2/29"]);
  await call("CHECK", "a", small);
  await call("DEL", "a", small);
  await call("DEL", "a", small);
  await assert.rejects(call("CHECK", "a", small), /Failed to find address/);
  await call("CHECK", "a", small, { name: "other" });
});

test("GC keeps what is valid of its network, and gives the rest back", async (t) => {
  const call = await plugin(t);
  for (const name of ["a", "b", "c"]) await call("ADD", name, small);
  await call("ADD", "b", small, { name: "other" });
  await call("GC", "", small, { "cni.dev/valid-attachments": [{ containerID: "a", ifname: "eth0" }] });
  await call("CHECK", "a", small);
  await assert.rejects(call("CHECK", "b", small), /Failed to find address/);
  await call("CHECK", "b", small, { name: "other" });
});

test("many at once get each another one", async (t) => {
  const call = await plugin(t);
  const names = Array.from({ length: 8 }, (_, at) => `c${at}`);
  const outcomes = await Promise.allSettled(names.map((name) => call("ADD", name, small)));
  const given = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  assert.deepEqual(given.toSorted(), ["10.1.0.2/29", "10.1.0.3/29", "10.1.0.4/29", "10.1.0.5/29", "10.1.0.6/29"]);
});
