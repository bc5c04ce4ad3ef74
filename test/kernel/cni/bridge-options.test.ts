/** Options of the plugin type `bridge` that keep containers to themselves: their own MAC address, ports apart from each other, an interface that is left down. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { type Peer, startPeer } from "../../support/peers.ts";
import { enterTestHost, exec, missing, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

let controller: NetworkController;
before(async () => {
  controller = await createController();
});
after(() => controller.close());

interface Config {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Calls a plugin as a runtime does; what it prints. Throws where it fails. */
async function call(command: string, config: Config, id: string, prevResult?: unknown) {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: command === "DEL" ? "" : `/run/netns/${id}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: "",
  };
  const input = JSON.stringify({ cniVersion: "1.1.0", name: "net", ...config, ...(prevResult ? { prevResult } : {}) });
  const { status, output } = await answer({ type: config.type, environment, input }, controller.attachments);
  const json = output === "" ? {} : JSON.parse(output);
  if (status !== 0) throw new Error(`${json.code}: ${json.msg} ${json.details ?? ""}`);
  return json;
}

/** A container's namespace, which goes with the test. */
function container(t: TestContext, id: string): string {
  run(`ip netns add ${id}`);
  t.after(() => run(`ip netns delete ${id}`));
  return id;
}

/** Somebody in a container, or in the host, who answers at port 80. */
async function peer(t: TestContext, id: string): Promise<Peer> {
  const started = startPeer(id, id === "host" ? "host" : `/run/netns/${id}`);
  t.after(() => started.stop());
  await started.serve(80);
  return started;
}

const bridge = (more: Readonly<Record<string, unknown>>): Config => ({
  type: "bridge",
  bridge: "opt0",
  isGateway: true,
  ipam: { type: "host-local", subnet: "10.67.0.0/24" },
  ...more,
});

const addressIn = (result: { readonly ips: readonly { readonly address: string }[] }): string =>
  result.ips[0]?.address.replace(/\/.*/, "") ?? "";

/** Waits until something holds; throws AssertionError where it does not come to that. */
async function eventually(words: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 5000; !holds(); await sleep(20)) assert.ok(performance.now() < end, words);
}

const changeMac = (id: string, mac: string): void => {
  run(`ip -n ${id} link set eth0 down`);
  run(`ip -n ${id} link set eth0 address ${mac}`);
  run(`ip -n ${id} link set eth0 up`);
  exec("ip", "neighbour", "flush", "dev", "opt0");
};

test("with macspoofchk a container sends under its own MAC address alone, to anybody", {
  skip: missing("nft"),
}, async (t) => {
  const clean = snapshot();
  const config = bridge({ macspoofchk: true });
  const [one, two] = [container(t, "spoof1"), container(t, "spoof2")];
  const result = await call("ADD", config, one);
  const address = addressIn(await call("ADD", config, two));
  const mac: string = result.interfaces[2].mac;
  const [sender, receiver, host] = [await peer(t, one), await peer(t, two), await peer(t, "host")];
  const reaches = async (): Promise<readonly boolean[]> =>
    (await Promise.all([sender.ask("tcp", address, 80), sender.ask("tcp", "10.67.0.1", 80)])).map(
      (said) => said !== undefined,
    );
  assert.deepEqual(await reaches(), [true, true]);
  changeMac(one, "02:00:00:00:00:99");
  assert.deepEqual(await reaches(), [false, false], "under another address");
  assert.match((await host.ask("tcp", address, 80)) ?? "", /^spoof2 /, "the other container is as before");
  assert.match((await receiver.ask("tcp", "10.67.0.1", 80)) ?? "", /^host /);
  changeMac(one, mac);
  assert.deepEqual(await reaches(), [true, true], "under its own address again");
  await call("CHECK", config, one, result);
  for (const id of [one, two]) await call("DEL", config, id);
  await controller.settle();
  assert.deepEqual(snapshot().ruleset, clean.ruleset);
});

test("the rules of macspoofchk come back when somebody takes them away", {
  skip: missing("nft"),
}, async (t) => {
  const config = bridge({ macspoofchk: true });
  const id = container(t, "flushed");
  const result = await call("ADD", config, id);
  t.after(() => call("DEL", config, id));
  const rules = (): string => exec("nft", "list", "ruleset", "bridge");
  const before = rules();
  assert.match(before, /iifname @guarded iifname \. ether saddr != @senders drop/);
  for (const damage of ["flush ruleset bridge", "delete table bridge portolan", "flush set bridge portolan senders"]) {
    exec("nft", ...damage.split(" "));
    await eventually(`after ${damage}`, () => rules() === before);
  }
  await call("CHECK", config, id, result);
});

test("with macspoofchk an address that tuning gives is the container's own, and the first one again afterwards", {
  skip: missing("nft"),
}, async (t) => {
  const [config, tuning] = [bridge({ macspoofchk: true }), { type: "tuning", mac: "02:00:00:00:00:77" }];
  const id = container(t, "tuned");
  const result = await call("ADD", config, id);
  t.after(() => call("DEL", config, id));
  await call("ADD", tuning, id, result);
  const inside = await peer(t, id);
  await peer(t, "host");
  assert.match((await inside.ask("tcp", "10.67.0.1", 80)) ?? "", /^host /);
  await call("DEL", tuning, id);
  exec("ip", "neighbour", "flush", "dev", "opt0");
  assert.match((await inside.ask("tcp", "10.67.0.1", 80)) ?? "", /^host /);
});

test("with portIsolation containers reach the host and not each other", async (t) => {
  const config = bridge({ portIsolation: true });
  const [one, two] = [container(t, "apart1"), container(t, "apart2")];
  await call("ADD", config, one);
  const address = addressIn(await call("ADD", config, two));
  t.after(async () => {
    for (const id of [one, two]) await call("DEL", config, id);
  });
  const [asker, , host] = [await peer(t, one), await peer(t, two), await peer(t, "host")];
  assert.match((await host.ask("tcp", address, 80)) ?? "", /^apart2 /);
  assert.match((await asker.ask("tcp", "10.67.0.1", 80)) ?? "", /^host /);
  assert.equal(await asker.ask("tcp", address, 80), undefined);
});

test("with disableContainerInterface the interface is left down, and stays as whoever lives there sets it", async (t) => {
  const { ipam: _, ...bare } = bridge({ isGateway: false, disableContainerInterface: true });
  const config = { ...bare, type: "bridge" };
  const id = container(t, "down");
  const result = await call("ADD", config, id);
  t.after(() => call("DEL", config, id));
  const isUp = (): boolean => JSON.parse(run(`ip -n ${id} -j link show eth0`))[0].flags.includes("UP");
  assert.equal(isUp(), false);
  await call("CHECK", config, id, result);
  run(`ip -n ${id} link set eth0 up`);
  await controller.reconcile();
  assert.equal(isUp(), true);
  await call("CHECK", config, id, result);
});

test("disableContainerInterface goes without addresses", async (t) => {
  await assert.rejects(
    call("ADD", bridge({ disableContainerInterface: true }), container(t, "none")),
    /^Error: 7: cannot use IPAM/,
  );
});
