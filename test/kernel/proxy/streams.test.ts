/** Connections through the proxy: what is said arrives, in both directions, whole, in order and no faster than it is taken; ends and failures arrive as such. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController, Sandbox } from "../../../src/model/types.ts";
import { enterTestHost, exec, snapshot } from "../../support/test-host.ts";
import { removeAll } from "../model/support.ts";
import { dial, endOf, proxyPort, serveIn } from "./support.ts";

enterTestHost();

const port = 8080;
const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
/** Larger than all queues on the way together. */
const large = randomBytes(48 * 1024 * 1024);

describe("a proxied connection", () => {
  let controller: NetworkController;
  let sandbox: Sandbox;
  let server: Disposable;
  /** What the server does with the next connections. */
  let serve: (socket: Socket) => void = () => undefined;
  const bare = snapshot();

  before(async () => {
    controller = await createController({ runDir: "/run/portolan" });
    await controller.createNetwork({ name: "front", enableIpv6: true });
    sandbox = await controller.createSandbox({ name: "web" });
    await controller.connect(controller.network("front"), sandbox, { publish: [`${port}:80`, "8081:81"] });
    server = await serveIn(sandbox.info().namespace, 80, (socket) => serve(socket));
  });
  after(async () => {
    server[Symbol.dispose]();
    await removeAll(controller);
    await controller.close();
    assert.deepEqual(snapshot(), bare, "nothing is left");
  });

  test("carries on in one direction when the other has ended", async () => {
    serve = async (socket) => {
      const asked = await endOf(socket);
      socket.write(`asked ${asked}, `);
      await sleep(50);
      socket.end("answered");
    };
    const client = dial("::1", port);
    client.write("for ");
    await sleep(50);
    client.end("this");
    assert.equal(String(await endOf(client)), "asked for this, answered");
  });

  test("carries on in the other direction when the server has ended first", async () => {
    let heard: Promise<Buffer | string> | undefined;
    serve = (socket) => {
      heard = endOf(socket);
      socket.end("done");
    };
    const client = dial("::1", port);
    assert.equal(String(await endOf(client)), "done");
    client.write("still ");
    await sleep(50);
    client.end("here");
    assert.equal(String(await heard), "still here");
  });

  test("carries 48 MiB in both directions at once, whole and in order", async () => {
    let heard: Promise<Buffer | string> | undefined;
    serve = (socket) => {
      heard = endOf(socket);
      socket.end(large);
    };
    const client = dial("::1", port);
    client.end(large);
    const received = await endOf(client);
    const sent = await heard;
    assert.ok(Buffer.isBuffer(received) && Buffer.isBuffer(sent), "both end, none fails");
    assert.equal(digest(received), digest(large));
    assert.equal(digest(sent), digest(large));
  });

  test("takes no more from one side than the other reads", async () => {
    let written = 0;
    let isDone = false;
    const chunk = Buffer.alloc(64 * 1024, 7);
    serve = async (socket) => {
      for (; written < large.length; written += chunk.length) if (!socket.write(chunk)) await once(socket, "drain");
      isDone = true;
      socket.end();
    };
    const before = process.memoryUsage.rss();
    const client = dial("::1", port);
    await once(client, "connect");
    client.pause();
    let last = -1;
    while (written !== last) {
      last = written;
      await sleep(300);
    }
    assert.ok(!isDone, `the server is held back, by full queues alone: ${written} bytes`);
    assert.ok(process.memoryUsage.rss() - before < 24 * 1024 * 1024, "nothing is kept in between");
    const received = endOf(client);
    client.resume();
    assert.equal((await received).length, large.length);
  });

  test("ends as a failure where the server resets it, and the other way round", async () => {
    serve = (socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    };
    const client = dial("::1", port);
    client.write("hello");
    assert.equal(await endOf(client), "ECONNRESET");

    let heard: Promise<Buffer | string> | undefined;
    const { promise: isThere, resolve } = Promise.withResolvers<void>();
    serve = (socket) => {
      heard = endOf(socket);
      resolve();
    };
    const other = dial("::1", port);
    other.write("hello");
    await isThere;
    await sleep(50);
    other.resetAndDestroy();
    assert.equal(await heard, "ECONNRESET");
  });

  test("is reset where nobody listens in the sandbox", async () => {
    assert.equal(await endOf(dial("::1", 8081)), "ECONNRESET");
  });

  test("stands beside a thousand others, each with its own answer", async () => {
    serve = (socket) => {
      socket.on("data", (asked: Buffer) => socket.end(`answer to ${asked}`));
    };
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, number) => {
        const client = dial("::1", port);
        client.write(String(number));
        const answer = String(await endOf(client));
        client.end();
        return answer;
      }),
    );
    assert.deepEqual(
      answers,
      answers.map((_, number) => `answer to ${number}`),
    );
  });

  test("waits while no descriptors are left, and costs nothing meanwhile", async () => {
    serve = (socket) => socket.end("served");
    const { pid } = process;
    const usual = exec("prlimit", "--pid", String(pid), "--nofile", "--output=SOFT", "--noheadings").trim();
    // In a process of its own, which has descriptors: takes them from this one, connects, gives them back, and says how many were answered.
    const script = `
      const { execFileSync } = require("node:child_process");
      const { connect } = require("node:net");
      const limit = (count) => execFileSync("prlimit", ["--pid", "${pid}", "--nofile=" + count + ":"]);
      let ended = 0, answered = 0;
      const over = () => ++ended === 20 && console.log(answered);
      limit(3);
      for (let number = 0; number < 20; number++)
        connect(${port}, "::1").on("data", () => answered++).on("error", () => undefined).on("close", over);
      console.log("none left");
      setTimeout(() => limit(${usual}), 1500);`;
    const clients = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(clients.stdout, "data");
    const before = process.cpuUsage();
    assert.equal(await endOf(dial("127.0.0.1", 1)), "EMFILE");
    const [answered] = (await once(clients.stdout, "data")) as [Buffer];
    const { user, system } = process.cpuUsage(before);
    assert.equal(Number(String(answered)), 20);
    assert.ok(user + system < 500_000, `${(user + system) / 1000} ms of processor time`);
    assert.equal(String(await endOf(dial("::1", port))), "served");
  });

  test("ends when its port is no longer published, and no other comes; the proxy goes with its last port", async () => {
    serve = () => undefined;
    const second = await controller.createSandbox({ name: "second" });
    const endpoint = await controller.connect(controller.network("front"), second, { publish: ["8090:80"] });
    using _own = await serveIn(second.info().namespace, 80, (socket) => socket.write("second"));
    const client = dial("::1", 8090);
    await once(client, "data");
    const other = dial("::1", port);
    await once(other, "connect");
    const ended = endOf(client);
    await controller.disconnect(endpoint);
    assert.equal(await ended, "ECONNRESET");
    assert.equal(await endOf(dial("::1", 8090)), "ECONNREFUSED");
    assert.equal(other.readyState, "open", "connections by other ports go on");
    other.destroy();
    await second.delete();
    assert.notEqual(proxyPort(), undefined);
    const [last] = controller.endpoints();
    await controller.endpoint(last?.id ?? "").leave();
    assert.equal(proxyPort(), undefined);
    await controller.endpoint(last?.id ?? "").join(sandbox);
    serve = (socket) => socket.end("back");
    assert.equal(String(await endOf(dial("::1", port))), "back");
  });
});
