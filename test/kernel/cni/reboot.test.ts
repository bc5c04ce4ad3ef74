/** What an engine finds that was not there when containers ended, or the machine: nothing of them is left, and nothing that was kept for them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { enterTestHost, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();

const config = {
  cniVersion: "1.1.0",
  name: "front",
  type: "bridge",
  bridge: "boot0",
  isGateway: true,
  ipMasq: true,
  ipam: { type: "host-local", subnet: "10.65.0.0/24", rangeStart: "10.65.0.9", rangeEnd: "10.65.0.9" },
};

async function call(command: "ADD" | "DEL", controller: NetworkController): Promise<void> {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: "web",
    CNI_NETNS: "/run/netns/web",
    CNI_IFNAME: "eth0",
    CNI_PATH: "",
  };
  const { status, output } = await answer(
    { type: "bridge", environment, input: JSON.stringify(config) },
    controller.attachments,
  );
  assert.equal(status, 0, output);
}

const add = (controller: NetworkController): Promise<void> => call("ADD", controller);

test("after a reboot addresses are free, and the same container is attached anew", async () => {
  using directory = temporaryDirectory();
  const options = { stateDir: join(directory.path, "state"), runDir: join(directory.path, "run") };
  {
    run("ip netns add web");
    await using controller = await createController(options);
    await add(controller);
  }
  // What a reboot leaves: the files of the state directory, and nothing of the kernel's.
  run("ip netns delete web");
  run("ip link delete boot0");
  run("nft flush ruleset");
  const store = await openLocalStore({ stateDir: options.stateDir });
  await store.commit([{ op: "put", collection: "setting", record: { id: "boot-id", value: "an earlier one" } }]);
  await store.close();

  await using controller = await createController(options);
  assert.deepEqual(controller.endpoints(), []);
  assert.deepEqual(
    controller.networks().map(({ driver }) => driver),
    ["bridge", "host", "none"],
  );
  assert.deepEqual(controller.attachments.reservations("/front"), []);
  run("ip netns add web");
  await add(controller);
  await call("DEL", controller);
  await controller.settle();
  run("ip netns delete web");
});

test("a container that ended while no engine ran leaves nothing, and the host forwards as little as before", async () => {
  using directory = temporaryDirectory();
  const options = { stateDir: join(directory.path, "state"), runDir: join(directory.path, "run") };
  run("sysctl -qw net.ipv4.ip_forward=0");
  const before = snapshot();
  run("ip netns add web");
  {
    await using controller = await createController(options);
    await add(controller);
    assert.equal(run("cat /proc/sys/net/ipv4/ip_forward").trim(), "1");
  }
  run("ip netns delete web");
  {
    await using controller = await createController({ ...options, mending: "interrupted" });
    await call("DEL", controller);
    assert.deepEqual(controller.attachments.reservations("/front"), []);
    await controller.settle();
  }
  assert.deepEqual(snapshot(), before);
});
