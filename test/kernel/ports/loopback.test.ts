/** Connections from the host's 127.0.0.1 to a published port go on while the engine that published it is gone, and when the next one begins. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createController } from "../../../src/model/controller.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import { enterTestHost, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();
const empty = snapshot();

/** Answers each line with itself. */
const server = `require("node:net").createServer((socket) => socket.pipe(socket)).listen(80, () => console.log("ready"));`;

test("a connection by 127.0.0.1 goes on without the engine and with the next one", async () => {
  using directory = temporaryDirectory();
  const open = () =>
    createController({ stateDir: directory.path, runDir: "/run/loopback", engine: createEngine(createKernel()) });
  let namespace: string;
  {
    await using first = await open();
    const sandbox = await first.createSandbox({ name: "web" });
    await first.connect(await first.createNetwork({ name: "front" }), sandbox, {
      publish: ["8080:80", "127.0.0.1:9090:80"],
    });
    namespace = sandbox.info().namespace;
  }
  const child = spawn("nsenter", [`--net=${namespace}`, process.execPath, "-e", server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(child.stdout ?? assert.fail(), "data");
    const sockets = [connect(8080, "127.0.0.1"), connect(9090, "127.0.0.1")];
    const echo = async (words: string): Promise<void> => {
      for (const socket of sockets) {
        socket.write(words);
        const signal = AbortSignal.timeout(2000);
        assert.equal(String((await once(socket, "data", { signal }))[0]), words);
      }
    };
    await echo("before");
    {
      await using second = await open();
      await echo("adopted");
      // Also where the next engine has something to mend.
      run("nft delete table inet portolan");
      await second.reconcile();
      await echo("mended");
    }
    await echo("without");
    await using third = await open();
    await echo("again");
    for (const socket of sockets) socket.destroy();
    await third.sandbox("web").delete();
    await third.network("front").delete();
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  assert.deepEqual(snapshot(), empty, "nothing is left");
});
