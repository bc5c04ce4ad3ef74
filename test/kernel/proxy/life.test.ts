/** When the proxy serves and where: with the process, while a port needs it, at the port of last time, and nobody else's. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ControllerOptions, createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { removeAll } from "../model/support.ts";
import { answerDatagrams, dial, endOf, proxyPort, serveIn } from "./support.ts";

enterTestHost();

describe("the proxy's life", () => {
  const bare = snapshot();
  let where: ControllerOptions;
  let state: ReturnType<typeof temporaryDirectory>;
  let controller: NetworkController;
  let servers: readonly Disposable[] = [];

  /** The engine ends, and another one begins. */
  async function restart(options: ControllerOptions = {}): Promise<void> {
    await controller.close();
    controller = await createController({ ...where, ...options });
  }

  beforeEach(async () => {
    state = temporaryDirectory();
    where = { stateDir: state.path, runDir: "/run/portolan" };
    controller = await createController(where);
    await controller.createNetwork({ name: "front", enableIpv6: true });
    const sandbox = await controller.createSandbox({ name: "web" });
    await controller.connect(controller.network("front"), sandbox, { publish: ["8080:80", "8080:80/udp"] });
    const { namespace } = sandbox.info();
    servers = [await serveIn(namespace, 80, (socket) => socket.end("web")), answerDatagrams(namespace, 80, "web")];
  });
  afterEach(async () => {
    for (const server of servers) server[Symbol.dispose]();
    await removeAll(controller);
    await controller.close();
    state[Symbol.dispose]();
    assert.deepEqual(snapshot(), bare, "nothing is left");
  });

  const answer = async (): Promise<string> => String(await endOf(dial("::1", 8080)));

  test("is that of the process: single commands lead nobody anywhere, and change nothing of it", async () => {
    assert.equal(await answer(), "web");
    await restart({ services: false });
    assert.equal(proxyPort(), undefined);
    assert.equal(await answer(), "ECONNREFUSED");
    assert.deepEqual((await controller.reconcile({ dryRun: true })).plan, []);
    await restart();
    assert.equal(await answer(), "web");
  });

  test("goes on at the same port, so that who sends without a pause is served again", async () => {
    const port = proxyPort();
    const client = createSocket("udp6");
    client.connect(8080, "::1");
    await once(client, "connect");
    client.on("error", () => undefined);
    let heard = 0;
    client.on("message", () => heard++);
    const sending = setInterval(() => client.send("hello"), 20);
    const until = async (wanted: number): Promise<void> => {
      const end = performance.now() + 5000;
      while (heard < wanted) {
        assert.ok(performance.now() < end, `${heard} answers, not ${wanted}`);
        await sleep(10);
      }
    };
    await until(3);
    await restart();
    assert.equal(proxyPort(), port);
    await until(heard + 3);
    clearInterval(sending);
    client.close();
  });

  test("goes on at another port where somebody has taken its own, and whoever sends is led there", async () => {
    const port = proxyPort() ?? assert.fail("nothing serves");
    const client = createSocket("udp6");
    client.connect(8080, "::1");
    await once(client, "connect");
    client.on("error", () => undefined);
    const heard = (): Promise<unknown> => once(client, "message", { signal: AbortSignal.timeout(5000) });
    const sending = setInterval(() => client.send("hello"), 20);
    await heard();
    await controller.close();
    const thief = await listen(port);
    const stolen = createSocket("udp6").bind(port);
    await once(stolen, "listening");
    controller = await createController(where);
    assert.notEqual(proxyPort(), port);
    assert.equal(await answer(), "web");
    await heard();
    clearInterval(sending);
    client.close();
    stolen.close();
    thief.close();
  });

  test("does not trust what a killed process has left in the firewall", async () => {
    await controller.close();
    exec("nft", "add element inet portolan proxy { tcp : 1, udp : 1 }");
    exec("nft", "add element inet portolan proxy-ports { tcp . 1, udp . 1 }");
    controller = await createController({ ...where, services: false });
    assert.equal(proxyPort(), undefined);
    await controller.close();
    exec("nft", "add element inet portolan proxy { tcp : 1, udp : 1 }");
    controller = await createController(where);
    assert.equal(await answer(), "web");
  });

  test("goes on when somebody flushes the ruleset", async () => {
    run("nft flush ruleset");
    const end = performance.now() + 5000;
    while ((await answer()) !== "web") assert.ok(performance.now() < end, "nobody is led to it any more");
  });

  test("is missed by doctor where it finds no port, and nothing else fails", async () => {
    await controller.close();
    // Every port that it draws is 61,258; the one of last time is taken, too.
    const random = (count: number): Uint8Array => (count === 2 ? Uint8Array.of(1, 2) : randomBytes(count));
    const taken = await Promise.all([61_258, await lastPort()].map(listen));
    controller = await createController({ ...where, random });
    const problems = (await controller.doctor()).problems.map(({ code }) => code);
    assert.deepEqual(
      problems.filter((code) => code.startsWith("proxy")),
      ["proxy-not-serving"],
    );
    assert.equal(await answer(), "ECONNREFUSED");
    assert.equal(String(await endOf(dial("127.0.0.1", 8080))), "web");
    for (const server of taken) server.close();
    const other = await controller.createSandbox({ name: "other" });
    await controller.connect(controller.network("front"), other, { publish: ["8081:80"] });
    assert.equal(await answer(), "web", "it is tried again when another endpoint needs it");
    assert.deepEqual(
      (await controller.doctor()).problems.filter(({ code }) => code.startsWith("proxy")),
      [],
    );
  });

  /** The port at which a controller of this state serves. */
  async function lastPort(): Promise<number> {
    const once = await createController(where);
    const port = proxyPort();
    await once.close();
    return port ?? assert.fail("nothing serves");
  }
});

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, "::");
  await once(server, "listening");
  return server;
}
