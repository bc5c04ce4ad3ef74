/** What this kernel can do: the answers agree with what `ip` is told, and asking leaves nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FeatureName, features } from "../../../src/kernel/features.ts";
import { KernelError } from "../../../src/kernel/kernel.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { probeFeatures } from "../../../src/kernel/probe.ts";
import { refusalOf } from "../../../src/kernel/syscalls.ts";
import { enterTestHost, exec, snapshot } from "../../support/test-host.ts";

enterTestHost();

test("every feature has an answer, and asking changes nothing on the host", () => {
  const kernel = createKernel();
  const before = snapshot();
  const report = probeFeatures(kernel);
  assert.deepEqual(Object.keys(report).toSorted(), Object.keys(features).toSorted());
  for (const [name, answer] of Object.entries(report)) {
    if (answer.state !== "yes") assert.match(answer.reason, /\w/, name);
  }
  assert.deepEqual(snapshot(), before);
  kernel.close();
});

test("kinds of links that ip can make are there, and those that it cannot are not", () => {
  const kernel = createKernel();
  const report = probeFeatures(kernel);
  kernel.close();
  const kinds: Partial<Record<FeatureName, string>> = {
    bridge: "type bridge",
    dummy: "type dummy",
    ifb: "type ifb",
    vrf: "type vrf table 9",
    vxlan: "type vxlan id 9 dstport 4789",
    wireguard: "type wireguard",
  };
  for (const [name, words] of Object.entries(kinds)) {
    let made = true;
    try {
      exec("ip", "link", "add", "try0", ...words.split(" "));
      exec("ip", "link", "delete", "try0");
    } catch {
      made = false;
    }
    // The names are those of the table above.
    assert.equal(report[name as FeatureName].state, made ? "yes" : "no", name);
  }
});

test("a refusal that says nothing about the feature leaves it unknown, with the kernel's words", () => {
  const kernel = createKernel();
  const busy = refusalOf(16);
  const report = probeFeatures({
    ...kernel,
    send: (namespace, family, messages) =>
      family === "route" ? messages.map(() => busy) : kernel.send(namespace, family, messages),
    linkIndex: () => {
      throw new KernelError("find link", busy);
    },
  });
  assert.deepEqual(report.bridge, { state: "unknown", reason: `EBUSY: ${busy.message}` });
  kernel.close();
});
