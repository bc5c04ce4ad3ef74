/** Carries a sequence of commands out on a controller and on the reference, and compares the two after each. */
import assert from "node:assert/strict";
import { addressOf } from "../../../src/address/cidr.ts";
import { isPortolanError } from "../../../src/errors.ts";
import type { Services } from "../../../src/loop/thread.ts";
import { createController } from "../../../src/model/controller.ts";
import type {
  ChangeOptions,
  Endpoint,
  EndpointSpec,
  JoinSpec,
  NetworkController,
  NetworkSpec,
} from "../../../src/model/types.ts";
import type { Engine } from "../../../src/state/engine.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import type { Store } from "../../../src/store/store.ts";
import type { Faults } from "../faults.ts";
import { createFaultyStore } from "../faulty-store.ts";
import { randomFrom } from "../random.ts";
import { checkStored, checkTold } from "./check.ts";
import { checkFiles, checkHeld, checkNames, hostPortsOf } from "./check-services.ts";
import {
  alias,
  type Command,
  destination,
  type EndpointName,
  type NetworkName,
  type NetworkShape,
  namesTold,
  networkNames,
  type Operation,
} from "./commands.ts";
import { Reference } from "./reference.ts";

/** What sequences run on: a kernel, real or not. */
export interface Ground {
  readonly engine: Engine;
  /** Counts the changes of the engine. */
  readonly faults: Faults;
  readonly runDir: string;
  /** Who runs services; default: a thread of the controller's. */
  readonly thread?: Services;
  /** The files of sandboxes that there are, by path. */
  files(): ReadonlyMap<string, string>;
  /** Takes one thing of ours away behind the engine's back, if there is any. */
  damage(choice: number): void;
  /** Checks what is there against what is described; called after every command. */
  check(controller: NetworkController): Promise<void>;
}

/** Runs a sequence; at its end everything is removed, and nothing must be left. Throws AssertionError where something does not hold. */
export async function runSequence(ground: Ground, commands: readonly Command[]): Promise<void> {
  const store = createFaultyStore(await openLocalStore({ stateDir: undefined }), ground.faults);
  const random = randomFrom("sequence");
  const open = (): Promise<NetworkController> =>
    createController({
      store: { ...store, close: async () => undefined },
      engine: { ...ground.engine, close: () => ground.engine.settle() },
      runDir: ground.runDir,
      ...(ground.thread && { thread: ground.thread }),
      random,
    });
  const sequence = new Sequence(ground, store, open, await open());
  await sequence.check();
  for (const command of commands) {
    await sequence.step(command);
    await sequence.check();
  }
  await sequence.end();
  await store.close();
}

class Sequence {
  readonly #ground: Ground;
  readonly #store: Store;
  readonly #reference = new Reference();
  /** Opens a controller that leaves its engine and store to the next. */
  readonly #open: () => Promise<NetworkController>;
  #controller: NetworkController;

  constructor(ground: Ground, store: Store, open: () => Promise<NetworkController>, controller: NetworkController) {
    this.#ground = ground;
    this.#store = store;
    this.#open = open;
    this.#controller = controller;
  }

  async step(command: Command): Promise<void> {
    switch (command.type) {
      case "restart": {
        await this.#controller.close();
        this.#ground.faults.arm();
        this.#controller = await this.#open();
        break;
      }
      case "damage":
        this.#ground.damage(command.choice);
        await this.#controller.reconcile();
        break;
      case "fail":
        await this.#fail(command.at, command.operation);
        break;
      case "dry run":
        await this.#carryOut(command.operation, { dryRun: true });
        break;
      default:
        await this.#carryOut(command);
    }
  }

  /** Carries an operation out, or sees it refused for a reason that the reference has, too. */
  async #carryOut(operation: Operation, options: ChangeOptions = {}): Promise<void> {
    const reasons = this.#reference.reasons(operation);
    const failure = await this.#try(operation, options);
    if (reasons.size === 0) {
      if (failure !== undefined) throw failure;
      if (options.dryRun !== true) this.#remember(operation);
    } else {
      assert.ok(isPortolanError(failure), `${operation.type} is refused: ${[...reasons]}`);
      assert.ok(
        reasons.has(failure.code),
        `${operation.type}: ${failure.code} (${failure.message}), not ${[...reasons]}`,
      );
    }
  }

  async #fail(at: number, operation: Operation): Promise<void> {
    // Pruning is an operation for each network.
    if (operation.type === "prune" || this.#reference.reasons(operation).size > 0) return this.#carryOut(operation);
    this.#ground.faults.arm({ at });
    const failure = await this.#try(operation, {});
    const { struck } = this.#ground.faults;
    this.#ground.faults.arm();
    if (struck === undefined) {
      if (failure !== undefined) throw failure;
      this.#remember(operation);
    } else {
      assert.ok(isPortolanError(failure), struck);
      assert.ok(failure.code === "kernel" || failure.code === "store", `${struck}: ${failure.code}`);
    }
  }

  /** Carries an operation out; what it failed with. */
  async #try(operation: Operation, options: ChangeOptions): Promise<unknown> {
    try {
      await perform(this.#controller, operation, options);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #remember(operation: Operation): void {
    this.#reference.apply(operation);
    if (operation.type !== "create endpoint" && operation.type !== "connect") return;
    const name = operation.type === "connect" ? operation.sandbox : operation.endpoint;
    const there = this.#reference.endpoint(operation.network, name);
    const { ipv4, ports } = endpointOf(this.#controller, operation.network, name).info();
    assert.ok(there);
    const given = ports.map(hostPortsOf);
    assert.deepEqual(
      given.map((port, at) => there.ports[at] && port),
      there.ports,
      "published ports are those that are wanted, or the first of them that are free",
    );
    there.ports = given;
    const own = this.#reference.networks.get(operation.network)?.shape.length !== undefined;
    if (!own || ipv4 === undefined) return;
    const last = Number(addressOf(ipv4).split(".")[3]);
    if (operation.host !== undefined) assert.equal(last, operation.host, "a wanted address is the one given");
    there.host = last;
  }

  async check(): Promise<void> {
    await this.#controller.settle();
    checkTold(this.#controller, this.#reference);
    checkStored(this.#controller, await this.#store.load());
    checkNames(this.#controller, this.#reference);
    checkFiles(this.#controller, this.#reference, this.#ground.files());
    await checkHeld(this.#controller, await this.#ground.engine.heldPorts());
    await this.#ground.check(this.#controller);
  }

  /** Removes everything. */
  async end(): Promise<void> {
    const all: Operation[] = [
      ...[...this.#reference.sandboxes.keys()].map((sandbox): Operation => ({ type: "delete sandbox", sandbox })),
    ];
    for (const operation of all) await this.#carryOut(operation);
    for (const { network, name } of [...this.#reference.endpoints]) {
      await this.#carryOut({ type: "delete endpoint", network, endpoint: name });
    }
    await this.#carryOut({ type: "prune" });
    assert.equal(this.#reference.networks.size, 2);
    await this.check();
    await this.#controller.close();
  }
}

function endpointOf(controller: NetworkController, network: NetworkName, name: EndpointName): Endpoint {
  const id = controller
    .network(network)
    .info()
    .endpoints.find((one) => one.name === name)?.id;
  return controller.endpoint(id ?? "none of that name");
}

/** The subnet that a network has where it has one of its own, without its length: one for each name. */
const subnetOf = (network: (typeof networkNames)[number]): string => `10.77.${networkNames.indexOf(network)}.0`;
/** A wanted address in it. */
const wanted = (network: NetworkName, host: number | undefined): { readonly ipv4?: string } => {
  if (host === undefined) return {};
  const own = networkNames.find((name) => name === network);
  return { ipv4: own === undefined ? `10.78.0.${host}` : subnetOf(own).replace(/0$/, String(host)) };
};

function specOf({ network, shape }: Extract<Operation, { type: "create network" }>): NetworkSpec {
  const { internal, enableIpv6, length, reach } = shape;
  const pools = length === undefined ? [] : [{ subnet: `${subnetOf(network)}/${length}` }];
  return { name: network, internal, enableIpv6, ipam: { pools }, options: optionsOf(enableIpv6, reach) };
}

function optionsOf(enableIpv6: boolean, reach: NetworkShape["reach"]): Readonly<Record<string, string>> {
  const key = (name: string): string => `com.docker.network.bridge.${name}`;
  if (reach === undefined) return {};
  if (reach === "apart") return { [key("enable_icc")]: "false" };
  return { [key("gateway_mode_ipv4")]: reach, ...(enableIpv6 && { [key("gateway_mode_ipv6")]: reach }) };
}

const routesOf = ({ routed }: { readonly routed?: boolean }): Pick<JoinSpec, "routes"> =>
  routed ? { routes: [destination] } : {};

const servedAs = ({
  publish,
  aliased = false,
}: Extract<Operation, { readonly type: "create endpoint" | "connect" }>): Pick<
  EndpointSpec,
  "publish" | "aliases"
> => ({
  ...(publish && { publish }),
  aliases: aliased ? [alias] : [],
});

/** One operation on a controller. */
async function perform(controller: NetworkController, operation: Operation, options: ChangeOptions): Promise<unknown> {
  switch (operation.type) {
    case "create network":
      return controller.createNetwork(specOf(operation), options);
    case "delete network":
      return controller.network(operation.network).delete(options);
    case "create sandbox":
      return controller.createSandbox({ name: operation.sandbox, ...(operation.told && namesTold) }, options);
    case "delete sandbox":
      return controller.sandbox(operation.sandbox).delete(options);
    case "create endpoint": {
      const { network, endpoint, host } = operation;
      const spec = { name: endpoint, ...wanted(network, host), ...servedAs(operation) };
      return controller.network(network).createEndpoint(spec, options);
    }
    case "delete endpoint":
      return endpointOf(controller, operation.network, operation.endpoint).delete(options);
    case "join": {
      const { network, endpoint, sandbox, priority: gatewayPriority } = operation;
      const spec = { gatewayPriority, ...routesOf(operation) };
      return endpointOf(controller, network, endpoint).join(controller.sandbox(sandbox), spec, options);
    }
    case "leave":
      return endpointOf(controller, operation.network, operation.endpoint).leave(options);
    case "connect": {
      const { network, sandbox, host, priority: gatewayPriority } = operation;
      const spec = { gatewayPriority, ...wanted(network, host), ...routesOf(operation), ...servedAs(operation) };
      return controller.connect(controller.network(network), controller.sandbox(sandbox), spec, options);
    }
    case "disconnect":
      return controller.disconnect(endpointOf(controller, operation.network, operation.endpoint), options);
    case "prune":
      return controller.pruneNetworks({}, options);
  }
}
