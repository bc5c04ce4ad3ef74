/** Datagrams through the proxy: each answer finds back to its asker from where it was asked, and what the kernel tracks follows who has the port. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { addressOf } from "../../../src/address/cidr.ts";
import { createController } from "../../../src/model/controller.ts";
import type { Endpoint, NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";
import { removeAll } from "../model/support.ts";
import { answerDatagrams } from "./support.ts";

enterTestHost();

const hostAddress = "2001:db8::1";

/** A client that hears of one address and port alone; `own`: the port that it has itself, default any. */
async function client(port: number, address = "::1", own?: number): Promise<Socket> {
  const socket = createSocket("udp6");
  socket.on("error", () => undefined);
  if (own !== undefined) socket.bind(own, "::1");
  socket.connect(port, address);
  await once(socket, "connect");
  return socket;
}

async function ask(socket: Socket, words: string | Buffer): Promise<Buffer> {
  socket.send(words);
  const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(5000) })) as [Buffer];
  return answer;
}

/** Asks until an answer is of that form, without a pause in which what is tracked could be forgotten. */
async function askUntil(socket: Socket, wanted: RegExp): Promise<void> {
  const heard: string[] = [];
  const listen = (answer: Buffer): unknown => heard.push(String(answer));
  socket.on("message", listen);
  const end = performance.now() + 5000;
  while (!heard.some((answer) => wanted.test(answer))) {
    assert.ok(performance.now() < end, `heard only ${[...new Set(heard)].join(", ") || "nothing"}`);
    socket.send("still there?");
    await sleep(20);
  }
  socket.off("message", listen);
}

describe("datagrams through the proxy", () => {
  let controller: NetworkController;
  const made: Disposable[] = [];
  let bare: unknown;

  /** A sandbox of a network that answers at port 80 with its name before what it was asked. */
  async function answering(name: string, network: string, ...publish: readonly string[]): Promise<Endpoint> {
    const sandbox = await controller.createSandbox({ name });
    const endpoint = await controller.connect(controller.network(network), sandbox, { publish });
    made.push(answerDatagrams(sandbox.info().namespace, 80, name));
    return endpoint;
  }

  before(async () => {
    run("ip link add out0 type veth peer name out1");
    run("ip link set out0 up");
    run(`ip address add ${hostAddress}/64 dev out0 nodad`);
    bare = snapshot();
    controller = await createController({ runDir: "/run/portolan" });
    await controller.createNetwork({ name: "both", enableIpv6: true });
    await controller.createNetwork({ name: "four" });
    await answering("web", "both", "8001:80/udp");
  });
  after(async () => {
    for (const one of made) one[Symbol.dispose]();
    await removeAll(controller);
    await controller.close();
    assert.deepEqual(snapshot(), bare, "nothing is left");
  });

  test("are answered from where they were sent to, empty ones and long ones, too", async () => {
    await answering("four", "four", "8002:80/udp");
    for (const [port, address, name] of [
      [8001, "::1", "web"],
      [8002, "::1", "four"],
      [8002, hostAddress, "four"],
    ] as const) {
      const socket = await client(port, address);
      for (const words of ["hello", "", "x".repeat(60_000)])
        assert.equal(String(await ask(socket, words)), `${name} ${words}`);
      socket.close();
    }
  });

  test("of five hundred askers find back to each", async () => {
    const sockets = await Promise.all(Array.from({ length: 500 }, () => client(8001)));
    const answers = await Promise.all(sockets.map((socket, number) => ask(socket, String(number))));
    assert.deepEqual(
      answers.map(String),
      sockets.map((_, number) => `web ${number}`),
    );
    for (const socket of sockets) socket.close();
  });

  test("of one asker for another port go there, also when the kernel has forgotten what was before", async () => {
    await answering("other", "both", "8020:80/udp");
    const timeout = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout";
    const usual = readFileSync(timeout, "utf8");
    writeFileSync(timeout, "1");
    const socket = createSocket("udp6");
    const heard = async (): Promise<string> =>
      String((await once(socket, "message", { signal: AbortSignal.timeout(5000) }))[0]);
    socket.send("one", 8001, "::1");
    assert.equal(await heard(), "web one");
    await sleep(2500);
    const own = String(socket.address().port);
    assert.equal(exec("conntrack", "-L", "-f", "ipv6", "-p", "udp", "--orig-port-src", own).trim(), "", "forgotten");
    socket.send("two", 8020, "::1");
    assert.equal(await heard(), "other two");
    socket.send("three", 8001, "::1");
    assert.equal(await heard(), "web three");
    socket.close();
    writeFileSync(timeout, usual);
  });

  test("take no more sockets than 4,096, and the last asker is answered as the first was", async (t) => {
    const early = await client(8030);
    t.after(() => early.close());
    const first = await answering("early", "both", "8030:80/udp");
    assert.equal(String(await ask(early, "first")), "early first");
    const [endpoint] = controller.sandbox("web").info().endpoints;
    const inside = addressOf(endpoint?.ipv6 ?? assert.fail());
    const flows = () => exec("ss", "-Hun", "dst", `[${inside}]`).trim().split("\n").length;
    // Each has a port of its own: one that the kernel gives out anew would be the same client to the proxy, and hear what was answered to the former one.
    for (let number = 0; number < 4500; number++) {
      const socket = await client(8001, "::1", 10_000 + number);
      if (number % 100 === 99) assert.equal(String(await ask(socket, String(number))), `web ${number}`);
      else socket.send(String(number));
      socket.close();
    }
    assert.equal(flows(), 4096);
    // The first one's socket is gone, while the kernel goes on to lead it to the proxy.
    await controller.disconnect(first);
    const own = createSocket("udp6", (_, from) => own.send("the host", from.port, from.address));
    own.bind(8030, "::1");
    await askUntil(early, /^the host/);
    own.close();
  });

  test("reach who has the port now, though their sender never pauses", async () => {
    const socket = await client(8010);
    // Nobody has it: what is tracked leads to the host itself.
    for (let number = 0; number < 5; number++) socket.send("anybody?");
    const first = await answering("first", "both", "8010:80/udp");
    await askUntil(socket, /^first/);
    await controller.disconnect(first);
    const second = await answering("second", "four", "[::1]:8010:80/udp");
    await askUntil(socket, /^second/);
    await controller.disconnect(second);
    const own = createSocket("udp6", (_, from) => own.send("the host", from.port, from.address));
    own.bind(8010, "::1");
    await askUntil(socket, /^the host/);
    own.close();
    socket.close();
  });
});
