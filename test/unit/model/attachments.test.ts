/** What attachments of one container, and of one host, share: ports, the bridge, the path of a namespace, turns. No kernel. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { carryOut } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { createMemoryEngine, type MemoryEngine } from "../../support/memory-engine.ts";
import { silentServices } from "../../support/silent-services.ts";

const namespaces = ["/run/netns/c1", "/run/netns/c2", "/proc/11/ns/net"];

interface Scene {
  readonly controller: NetworkController;
  readonly engine: MemoryEngine;
  /** Ends this engine and begins the next. */
  restart(): Promise<NetworkController>;
}

async function scene(t: TestContext): Promise<Scene> {
  const engine = createMemoryEngine({ foreign: { namespaces } });
  const store = await openLocalStore({ stateDir: undefined });
  const open = (): Promise<NetworkController> =>
    createController({
      store: { ...store, close: async () => undefined },
      engine: { ...engine, close: async () => undefined },
      runDir: "/run/portolan",
      thread: silentServices,
    });
  let controller = await open();
  t.after(async () => {
    await controller.close();
    await store.close();
  });
  return {
    controller,
    engine,
    async restart() {
      await controller.close();
      controller = await open();
      return controller;
    },
  };
}

interface Where {
  readonly network?: string;
  readonly container?: string;
  readonly netns?: string;
  readonly ifname?: string;
}

async function call(
  controller: NetworkController,
  command: "ADD" | "DEL" | "GC",
  config: { readonly type: string; readonly [key: string]: unknown },
  { network = "net", container = "c1", netns = `/run/netns/${container}`, ifname = "eth0" }: Where = {},
  prevResult?: unknown,
): Promise<unknown> {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_PATH: "/nowhere",
    // There are no such files to compare with the engine's own namespace.
    CNI_NETNS_OVERRIDE: "1",
  };
  const text = await carryOut(
    {
      type: config.type,
      environment,
      input: JSON.stringify({
        cniVersion: "1.1.0",
        name: network,
        ...config,
        ...(prevResult !== undefined && { prevResult }),
      }),
    },
    controller.attachments,
  );
  return text === "" ? undefined : JSON.parse(text);
}

const bridge = (name = "cni0", subnet = "10.1.0.0/24") => ({
  type: "bridge",
  bridge: name,
  isDefaultGateway: true,
  ipam: { type: "host-local", ranges: [[{ subnet }]] },
});
const portmap = (hostPort = 8080) => ({
  type: "portmap",
  runtimeConfig: { portMappings: [{ hostPort, containerPort: 80 }] },
});

const links = (engine: MemoryEngine, type: string): readonly string[] =>
  engine.objects().flatMap((one) => (one.kind === "link" && one.type === type ? [one.name] : []));
const portsIn = (controller: NetworkController, key: Where & { readonly network: string; readonly ifname: string }) =>
  controller.attachments
    .find({ network: key.network, containerId: "c1", interfaceName: key.ifname })
    ?.ports?.map(({ host }) => host.first) ?? [];

test("the bridge comes with the first and goes with the last, and so do network and sandboxes", async (t) => {
  const { controller, engine } = await scene(t);
  const idle = engine.state();
  await call(controller, "ADD", bridge());
  await call(controller, "ADD", bridge(), { container: "c2" });
  assert.deepEqual(links(engine, "bridge"), ["cni0"]);
  await call(controller, "DEL", bridge());
  assert.deepEqual(links(engine, "bridge"), ["cni0"]);
  assert.equal(links(engine, "veth").length, 1);
  await call(controller, "DEL", bridge(), { container: "c2", netns: "" });
  assert.deepEqual(engine.state(), idle);
  assert.deepEqual(controller.sandboxes(), []);
  assert.deepEqual(
    controller.networks().filter(({ driver }) => driver === "attachment"),
    [],
  );
});

test("ports that a container has by one network are taken over by the next when that goes", async (t) => {
  const { controller } = await scene(t);
  const [first, second] = [
    { network: "one", ifname: "eth0" },
    { network: "two", ifname: "eth1" },
  ];
  const other = bridge("cni1", "10.2.0.0/24");
  const one = await call(controller, "ADD", bridge(), first);
  await call(controller, "ADD", portmap(), first, one);
  const two = await call(controller, "ADD", other, second);
  await call(controller, "ADD", portmap(), second, two);
  assert.deepEqual([portsIn(controller, first), portsIn(controller, second)], [[8080], []]);
  await call(controller, "DEL", portmap(), first);
  assert.deepEqual([portsIn(controller, first), portsIn(controller, second)], [[], [8080]]);
  await call(controller, "DEL", bridge(), first);
  await assert.rejects(async () => {
    const result = await call(controller, "ADD", bridge(), { ...first, container: "c2" });
    await call(controller, "ADD", portmap(), { ...first, container: "c2" }, result);
  }, /8080/);
  await call(controller, "DEL", portmap(), second);
  const result = {
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0", sandbox: "/run/netns/c2" }],
    ips: [{ address: "10.1.0.3/24", interface: 0 }],
  };
  await call(controller, "ADD", portmap(), { ...first, container: "c2" }, result);
});

test("a container that ended without a word is forgotten when its process's number is another's", async (t) => {
  const { controller } = await scene(t);
  const netns = "/proc/11/ns/net";
  await call(controller, "ADD", bridge(), { container: "old", netns });
  await call(controller, "ADD", bridge(), { container: "new", netns, ifname: "eth1" });
  const of = (containerId: string, interfaceName: string) =>
    controller.attachments.find({ network: "net", containerId, interfaceName });
  assert.equal(of("old", "eth0"), undefined);
  assert.ok(of("new", "eth1"));
  // What the runtime still knows of it goes without a failure.
  await call(controller, "DEL", bridge(), { container: "old", netns: "" });
  assert.ok(of("new", "eth1"));
});

test("an attachment is not made anew in another namespace as long as the first is there", async (t) => {
  const { controller } = await scene(t);
  await call(controller, "ADD", bridge());
  await assert.rejects(call(controller, "ADD", bridge(), { netns: "/run/netns/c2" }), /already/);
  assert.equal(controller.endpoints().length, 1);
});

test("taken away from its beginning, a chain leaves nothing that stands on the interface", async (t) => {
  const { controller, engine } = await scene(t);
  const idle = engine.state();
  const result = await call(controller, "ADD", bridge());
  await call(controller, "ADD", portmap(), {}, result);
  await call(controller, "DEL", bridge());
  assert.deepEqual(engine.state(), idle);
  assert.deepEqual(controller.endpoints(), []);
  await call(controller, "DEL", portmap());
});

test("DEL waits for the ADD that was begun before it", async (t) => {
  const { controller, engine } = await scene(t);
  const idle = engine.state();
  for (let times = 0; times < 20; times++) {
    const adding = call(controller, "ADD", bridge());
    await call(controller, "DEL", bridge());
    await adding;
    assert.deepEqual(engine.state(), idle);
  }
});

test("GC waits for the ADDs that were begun before it", async (t) => {
  const { controller, engine } = await scene(t);
  const idle = engine.state();
  const adding = [call(controller, "ADD", bridge()), call(controller, "ADD", bridge(), { container: "c2" })];
  await call(controller, "GC", { ...bridge(), "cni.dev/valid-attachments": [] });
  await Promise.all(adding);
  assert.deepEqual(engine.state(), idle);
});

test("a sandbox that is removed by hand leaves a network that the next DEL lets go, and the address", async (t) => {
  const { controller } = await scene(t);
  await call(controller, "ADD", bridge());
  await controller.sandbox("c1").delete();
  await call(controller, "DEL", bridge());
  assert.deepEqual(
    controller.networks().filter(({ driver }) => driver === "attachment"),
    [],
  );
  assert.deepEqual(controller.attachments.reservations("/net"), []);
});

test("the next engine knows attachments, addresses and ports", async (t) => {
  const { controller, engine, restart } = await scene(t);
  const result = await call(controller, "ADD", bridge());
  await call(controller, "ADD", portmap(), {}, result);
  const before = engine.state();
  const next = await restart();
  assert.deepEqual(engine.state(), before);
  await assert.rejects(call(next, "ADD", bridge()), /already/);
  const again = await call(next, "ADD", bridge(), { container: "c2" });
  assert.match(JSON.stringify(again), /10\.1\.0\.3\/24/);
  await assert.rejects(call(next, "ADD", portmap(), { container: "c2" }, again), /8080/);
  for (const container of ["c1", "c2"]) await call(next, "DEL", bridge(), { container });
  assert.deepEqual(next.attachments.reservations("/net"), []);
});
