/**
 * 64 clients at once do what comes into their heads, on the same few networks and sandboxes: some through the library, some through a daemon's socket. For
 * 5 seconds each, or as many as PORTOLAN_TEST_SECONDS says.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { connectClient } from "../../../src/api/client.ts";
import { runDaemon } from "../../../src/api/daemon.ts";
import { type ErrorCode, isPortolanError } from "../../../src/errors.ts";
import { createController } from "../../../src/model/controller.ts";
import type { ChangeOptions, EndpointSpec, NetworkSpec, SandboxSpec } from "../../../src/model/types.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { wholeState } from "../../support/whole-state.ts";
import { directories, removeAll } from "./support.ts";

enterTestHost();

const clients = 64;
const seconds = Number(process.env["PORTOLAN_TEST_SECONDS"] ?? 5);

/** What several callers can do to each other. Everything else would be the engine's fault. */
const callersFaults: ReadonlySet<ErrorCode> = new Set([
  "not-found",
  "exists",
  "in-use",
  "forbidden",
  "pool-exhausted",
  "aborted",
]);

const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(Math.random() * items.length)];
const name = (prefix: string, count: number): string => `${prefix}${Math.floor(Math.random() * count)}`;

/** What an endpoint may ask for: ports of the host that others want, too, names, and nothing. */
const endpointSpec = (): EndpointSpec => {
  const port = 8000 + Math.floor(Math.random() * 8);
  const publish = pick([
    [],
    [],
    [`${port}:80`],
    [`${port}:53/udp`, `127.0.0.1:${port + 100}:80`],
    ["80"],
    ["9000-9004:9000-9004"],
  ]);
  return { ...(publish && { publish }), aliases: Math.random() < 0.3 ? ["www"] : [] };
};

/** What a network may be told. */
const networkSpec = (): NetworkSpec => ({
  name: name("network", 6),
  enableIpv6: Math.random() < 0.5,
  internal: Math.random() < 0.2,
  options: Math.random() < 0.3 ? { "com.docker.network.bridge.enable_icc": "false" } : {},
});

/** How a sandbox may resolve names. */
const sandboxSpec = (): SandboxSpec => ({
  name: name("sandbox", 12),
  ...(Math.random() < 0.3 && { extraHosts: ["db:192.0.2.7"], nameservers: ["192.0.2.53"] }),
});

/** Has all clients act until the time is over; how often what came out. Throws the first failure that is no caller's fault. */
async function loose(act: (client: number) => Promise<void>): Promise<Readonly<Record<string, number>>> {
  let end = performance.now() + seconds * 1000;
  const outcomes: Record<string, number> = {};
  const live = async (client: number): Promise<void> => {
    while (performance.now() < end) {
      let outcome = "done";
      try {
        await act(client);
      } catch (error) {
        if (!isPortolanError(error) || !callersFaults.has(error.code)) {
          end = 0;
          throw error;
        }
        outcome = error.code;
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  const lives = await Promise.allSettled(Array.from({ length: clients }, (_, client) => live(client)));
  for (const life of lives) if (life.status === "rejected") throw life.reason;
  return outcomes;
}

test("64 clients of the library never meet an error that is not theirs, and nothing is left", async (t) => {
  const where = directories(t);
  const before = wholeState(where.runDir);
  const controller = await createController(where);
  const network = () => controller.network(name("network", 6));
  const sandbox = () => controller.sandbox(name("sandbox", 12));
  const endpoint = () => controller.endpoint(pick(controller.endpoints())?.id ?? "none");
  const acts: readonly ((options: ChangeOptions) => Promise<unknown>)[] = [
    (options) => controller.createNetwork(networkSpec(), options),
    (options) => network().delete(options),
    (options) => controller.createSandbox(sandboxSpec(), options),
    (options) => sandbox().delete(options),
    (options) => network().createEndpoint({ ...endpointSpec(), name: name("endpoint", 20) }, options),
    (options) => endpoint().join(sandbox(), { gatewayPriority: Math.floor(Math.random() * 3) }, options),
    (options) => endpoint().join(sandbox(), {}, options),
    (options) => endpoint().leave(options),
    (options) => endpoint().delete(options),
    (options) => controller.connect(network(), sandbox(), endpointSpec(), options),
    (options) => controller.connect(network(), sandbox(), endpointSpec(), options),
    (options) => controller.connect(controller.network("bridge"), sandbox(), {}, options),
    (options) => controller.disconnect(endpoint(), options),
    async () => {
      // While everybody else waits, everything is as described.
      if (Math.random() < 0.02) assert.deepEqual((await controller.reconcile({ dryRun: true })).plan, []);
    },
  ];
  /** Some change their minds. */
  const options = (): ChangeOptions =>
    Math.random() < 0.1 ? { signal: AbortSignal.timeout(Math.floor(Math.random() * 20)) } : {};
  try {
    const outcomes = await loose(async () => void (await pick(acts)?.(options())));
    t.diagnostic(JSON.stringify(outcomes));
    assert.ok((outcomes["done"] ?? 0) > clients);
    assert.deepEqual((await controller.reconcile()).plan, []);
  } finally {
    await removeAll(controller);
    await controller.close();
  }
  assert.deepEqual(wholeState(where.runDir), before);
});

test("64 clients of a daemon never meet an error that is not theirs, and nothing is left", async (t) => {
  const where = directories(t);
  const before = wholeState(where.runDir);
  const socket = join(where.stateDir, "socket");
  const stop = new AbortController();
  const daemon = runDaemon({ ...where, socket, signal: stop.signal });
  try {
    const connections = await Promise.all(Array.from({ length: clients }, () => connected(socket)));
    const outcomes = await loose(async (number) => {
      const client = connections[number];
      assert.ok(client);
      const acts: readonly (() => Promise<unknown>)[] = [
        () => client.createNetwork(networkSpec()),
        () => client.deleteNetwork(name("network", 6)),
        () => client.createSandbox(sandboxSpec()),
        () => client.deleteSandbox(name("sandbox", 12)),
        () => client.connect(name("network", 6), name("sandbox", 12), endpointSpec()),
        () => client.connect(name("network", 6), name("sandbox", 12), endpointSpec()),
        async () => client.disconnect(pick(await client.endpoints())?.id ?? "none"),
        () => client.sandboxes(),
        () => client.networks(),
      ];
      await pick(acts)?.();
    });
    t.diagnostic(JSON.stringify(outcomes));
    assert.ok((outcomes["done"] ?? 0) > clients);
    const [client] = connections;
    assert.ok(client);
    assert.deepEqual(await client.reconcile(), { changes: 0 });
    for (const { id } of await client.sandboxes()) await client.deleteSandbox(id);
    await client.pruneNetworks();
    for (const one of connections) await one[Symbol.asyncDispose]();
  } finally {
    stop.abort();
    await daemon;
  }
  assert.deepEqual(wholeState(where.runDir), before);
});

/** A client, once the daemon listens. */
async function connected(socket: string): ReturnType<typeof connectClient> {
  const giveUp = performance.now() + 10_000;
  for (;;) {
    try {
      return await connectClient(socket);
    } catch (error) {
      if (performance.now() > giveUp) throw error;
      await once(AbortSignal.timeout(20), "abort");
    }
  }
}
