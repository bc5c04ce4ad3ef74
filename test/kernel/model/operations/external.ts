/** Operations of the driver `cni`, whose endpoints the reference plugins make: macvlan on the bridge of the network `front`, and portmap. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EndpointSpec, JoinSpec, NetworkController } from "../../../../src/model/types.ts";
import { referencePlugins, withoutReference } from "../../../support/cni/runtime-scene.ts";
import { foreignNamespace, type Operation } from "./operation.ts";

const directory = "/run/lan";
const conflist = join(directory, "lan.conflist");
/** Where host-local keeps what it gave out. */
const dataDir = join(directory, "networks");

const list = {
  cniVersion: "1.0.0",
  name: "lan",
  plugins: [
    {
      type: "macvlan",
      master: "front0",
      capabilities: { mac: true },
      ipam: {
        type: "host-local",
        dataDir,
        ranges: [[{ subnet: "10.91.0.0/24" }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** Addresses that the plugins have given out. */
const reserved = (): readonly string[] => {
  const folder = join(dataDir, "lan");
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d/.test(name)) : [];
};

const wanted: EndpointSpec & JoinSpec = { name: "one", mac: "02:00:00:00:00:91", publish: ["8080:80"] };

/** The list, of which nothing is given out yet, and its parent. */
async function listAndFront(controller: NetworkController): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  writeFileSync(conflist, JSON.stringify(list));
  await controller.createNetwork({ name: "front", options: { "com.docker.network.bridge.name": "front0" } });
}

const createLan = (controller: NetworkController) =>
  controller.createNetwork({ name: "lan", driver: "cni", options: { conflist, "plugin-dir": referencePlugins } });

let chained = false;

/** Has portmap make the chains that it keeps from the first time on. */
function makeChains(): void {
  if (chained) return;
  const [, portmap] = list.plugins;
  const { cniVersion, name } = list;
  const input = JSON.stringify({
    cniVersion,
    name,
    ...portmap,
    runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
    prevResult: { cniVersion, ips: [{ address: "10.91.0.2/24" }] },
  });
  const about = {
    CNI_CONTAINERID: "first",
    CNI_NETNS: foreignNamespace,
    CNI_IFNAME: "eth0",
    CNI_PATH: referencePlugins,
  };
  for (const command of ["ADD", "DEL"])
    execFileSync(join(referencePlugins, "portmap"), { input, env: { ...process.env, ...about, CNI_COMMAND: command } });
  chained = true;
}

async function lanAndWeb(controller: NetworkController): Promise<void> {
  makeChains();
  await listAndFront(controller);
  await createLan(controller);
  await controller.createSandbox({ name: "web" });
}

async function joined(controller: NetworkController): Promise<void> {
  await lanAndWeb(controller);
  await controller.connect(controller.network("lan"), controller.sandbox("web"), wanted);
}

/** A network of the engine's own beside it, whose default route the plugins' is in front of. */
async function joinedTwice(controller: NetworkController): Promise<void> {
  await lanAndWeb(controller);
  await controller.connect(controller.network("front"), controller.sandbox("web"), {
    name: "two",
    interfaceName: "eth1",
  });
  await controller.connect(controller.network("lan"), controller.sandbox("web"), wanted);
}

/** Leaves again; where the endpoint is gone already, another one that comes and goes takes along what is left. */
async function leaveAgain(controller: NetworkController): Promise<void> {
  const there = controller.endpoints().find(({ name }) => name === "one");
  if (there !== undefined) await controller.disconnect(controller.endpoint(there.id));
  const web = controller.sandboxes().find(({ name }) => name === "web");
  const sandbox = web === undefined ? await controller.createSandbox({ name: "web" }) : controller.sandbox(web.id);
  await controller.disconnect(await controller.connect(controller.network("lan"), sandbox, { name: "again" }));
  if (web === undefined) await sandbox.delete();
}

/** Deletes the sandbox, where it is there still. */
async function deleteWeb(controller: NetworkController): Promise<void> {
  if (controller.sandboxes().some(({ name }) => name === "web")) await controller.sandbox("web").delete();
}

/** One after which the endpoint is in no sandbox any more: what plugins took away stays so, and what they cannot take away keeps nothing. */
const departing = (operation: Pick<Operation, "name" | "prepare" | "run" | "settle">): Operation => ({
  ...operation,
  also: reserved,
  bears: /^taking away of/,
  again: leaveAgain,
});

export const externalOperations: readonly Operation[] =
  withoutReference !== false
    ? []
    : [
        { name: "create a cni network", prepare: listAndFront, run: createLan },
        {
          name: "delete a cni network",
          prepare: lanAndWeb,
          run: (controller, options) => controller.network("lan").delete(options),
        },
        {
          name: "connect to a cni network",
          prepare: lanAndWeb,
          also: reserved,
          run: (controller, options) =>
            controller.connect(controller.network("lan"), controller.sandbox("web"), wanted, options),
        },
        {
          name: "join a cni network beside another one, whose default route stands back",
          prepare: async (controller) => {
            await lanAndWeb(controller);
            await controller.connect(controller.network("front"), controller.sandbox("web"), {
              name: "two",
              interfaceName: "eth1",
            });
            const { publish = [], ...rest } = wanted;
            await controller.network("lan").createEndpoint({ ...rest, publish });
          },
          also: reserved,
          run: (controller, options) => controller.endpoint("one").join(controller.sandbox("web"), {}, options),
        },
        departing({
          name: "disconnect from a cni network",
          prepare: joined,
          run: (controller, options) => controller.disconnect(controller.endpoint("one"), options),
        }),
        departing({
          name: "leave a cni network, after which another one has the default route",
          prepare: joinedTwice,
          run: (controller, options) => controller.endpoint("one").leave(options),
        }),
        departing({
          name: "delete a sandbox that is in a cni network",
          prepare: joined,
          run: (controller, options) => controller.sandbox("web").delete(options),
          // The plugins take the endpoint away first, which nobody takes back.
          settle: { run: deleteWeb, leads: "done" },
        }),
      ];
