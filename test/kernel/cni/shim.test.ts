/** The plugin that runtimes start, in both its forms, against a server in the daemon's place. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { versionAnswer, versions } from "../../../src/cni/protocol/version.ts";
import { randomFrom } from "../../support/random.ts";
import { enterTestHost, missing } from "../../support/test-host.ts";
import { Installed, type Kind, version } from "./daemon-stand-in.ts";

enterTestHost();
// Where there is a compiler the build must have made it.
const noCompiler = missing("cc") && "no C compiler is installed";

const add = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/a:/b",
};
const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

/** Writes a text and closes the connection, whatever there is to read. */
const endWith = (text: string) => (request: IncomingMessage) => {
  request.socket.write(text, () => request.socket.destroy());
};

for (const [kind, skip] of [
  ["static", noCompiler],
  ["node", false],
] as const satisfies readonly (readonly [Kind, string | false])[]) {
  const told = (what: string): string => `${kind}: ${what}`;

  test(told("type, environment and configuration reach the daemon octet for octet"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan", "bridge"]);
    await here.listen();
    // Numbers that no double holds, what is no UTF-8, and zeros.
    const input = Buffer.concat([
      Buffer.from('{"n":9007199254740993,"CniVersion":"1.0.0"}\n'),
      Buffer.from([0, 255, 254, 0]),
    ]);
    const { status, out } = await here.call("bridge", { ...add, CNI_ARGS: "A=1;B=é", XCNI_NOT: "1", CNI: "2" }, input);
    assert.deepEqual([status, out.toString()], [0, "{}\n"]);
    const [request] = here.requests;
    assert.ok(request);
    assert.equal(request.line, "POST /portolan/v1/cni");
    assert.equal(request.headers.host, "portolan");
    assert.equal(request.headers["content-type"], "application/vnd.portolan.cni-call");
    assert.equal(request.headers.connection, "close");
    assert.equal(Number(request.headers["content-length"]), request.body.length);
    const end = request.body.indexOf("\0\0");
    const [type, ...variables] = request.body.subarray(0, end).toString().split("\0");
    assert.equal(type, "bridge");
    // Other variables are the runtime's: plugins that the call delegates to have them.
    for (const [name, value] of Object.entries({ ...add, CNI_ARGS: "A=1;B=é", XCNI_NOT: "1", CNI: "2" }))
      assert.ok(variables.includes(`${name}=${value}`), name);
    assert.deepEqual(request.body.subarray(end + 2), input);
  });

  test(told("the daemon's answer is printed as it is; a refusal ends with status 1"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    await here.listen();
    here.answer = (_, response) => response.end('{ "ips": [] }');
    const answered = await here.call("portolan", add, "{}");
    assert.deepEqual([answered.status, answered.out.toString(), answered.err], [0, '{ "ips": [] }', ""]);
    here.answer = (_, response) => response.end();
    const nothing = await here.call("portolan", { ...add, CNI_COMMAND: "DEL" }, "{}");
    assert.deepEqual([nothing.status, nothing.out.length], [0, 0]);
    const refusal = '{"cniVersion":"1.0.0","code":7,"msg":"no \\"name\\""}';
    for (const status of [400, 409, 500]) {
      here.answer = (_, response) => response.writeHead(status, { "Content-Length": refusal.length }).end(refusal);
      const refused = await here.call("portolan", add, "{}");
      assert.deepEqual([refused.status, refused.out.toString()], [1, refusal]);
    }
  });

  test(told("megabytes go both ways"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    await here.listen();
    const input = Buffer.alloc(5_000_001, "0123456789abcdef\n");
    const answer = Buffer.alloc(3_000_001, "ghijklmnopqrstu");
    here.answer = (_, response) => response.end(answer);
    const { status, out } = await here.call("portolan", add, input);
    assert.equal(status, 0);
    assert.ok(out.equals(answer));
    assert.ok(here.requests[0]?.body.subarray(-input.length).equals(input));
  });

  test(told("what another server answers becomes an error of CNI's, in the configuration's version"), {
    skip,
  }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    await here.listen();
    const body = '{"message":"Route POST:/portolan/v1/cni not found","error":"Not Found","statusCode":404}';
    here.answer = (_, response) => response.writeHead(404, { "Content-Length": body.length }).end(body);
    const input = '{"args":{"cniVersion":"9.9.9"},"n":"\\"cniVersion\\":","cniVersion" :\n "0.4.0"}';
    const { status, out } = await here.call("portolan", add, input);
    assert.equal(status, 1);
    assert.deepEqual(json(out), {
      cniVersion: "0.4.0",
      code: 5,
      msg: `the answer on ${here.socket} is no CNI plugin's: another server, or an older Portolan, listens there`,
    });
  });

  test(told("without a daemon it becomes the program that does without one, with the call as it is"), {
    skip,
  }, async () => {
    await using here = new Installed(kind, ["bridge"]);
    const input = Buffer.alloc(1 << 20, "{ }\n");
    const expected = Buffer.concat([Buffer.from("ADD,--state-dir,/x y,cni,plugin,bridge,"), input]);
    const absent = await here.call("bridge", add, input);
    assert.equal(absent.status, 7);
    assert.ok(absent.out.equals(expected));
    // A daemon that was killed leaves its socket.
    const server = createServer().listen(join(here.path, "other.sock"));
    await once(server, "listening");
    server.close();
    writeFileSync(here.socket, "");
    const refused = await here.call("bridge", add, input);
    assert.equal(refused.status, 7);
    assert.ok(refused.out.equals(expected));
    rmSync(here.program);
    const { status, out } = await here.call("bridge", add, '{"cniVersion":"1.0.0"}');
    assert.equal(status, 1);
    assert.match(out.toString(), /^\{.*"code":5,"msg":".*alone.*\}\n$/);
  });

  test(told("PORTOLAN_SOCKET goes before the installation's socket"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    await using other = new Installed(kind, ["portolan"]);
    await other.listen();
    assert.equal((await here.call("portolan", { ...add, PORTOLAN_SOCKET: other.socket }, "{}")).status, 0);
    assert.equal(other.connections, 1);
    assert.equal((await here.call("portolan", { ...add, PORTOLAN_SOCKET: "" }, "{}")).status, 7);
  });

  test(told("a socket that cannot be asked is named"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    const socket = join(here.program, 'so"ck\\et');
    const { status, out } = await here.call("portolan", { ...add, PORTOLAN_SOCKET: socket }, '{"cniVersion":"1.1.0"}');
    const error = json(out);
    assert.ok(typeof error === "object" && error !== null && "code" in error && "msg" in error);
    assert.deepEqual([status, error.code], [1, 5]);
    assert.ok(String(error.msg).includes(`cannot connect to ${socket}: `), String(error.msg));
  });

  for (const [how, lose] of [
    ["before it reads", (request) => request.socket.destroy()],
    ["in the middle of its answer", endWith("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")],
    ["in the middle of its head", endWith("HTTP/1.1 200")],
  ] as const satisfies readonly (readonly [string, Installed["instead"]])[]) {
    test(told(`a daemon that goes away ${how}: ADD is to be tried again, the rest is done without it`), {
      skip,
    }, async () => {
      await using here = new Installed(kind, ["portolan"]);
      here.instead = lose;
      await here.listen();
      const input = Buffer.from(`{"cniVersion":"1.0.0","pad":"${"x".repeat(700_000)}"}`);
      const lost = await here.call("portolan", add, input);
      assert.equal(lost.status, 1);
      assert.deepEqual(json(lost.out), {
        cniVersion: "1.0.0",
        code: 11,
        msg: `the daemon on ${here.socket} went away before it answered: DEL undoes what it did, then try ADD again`,
      });
      for (const command of ["DEL", "CHECK", "GC", "STATUS"]) {
        const repeated = await here.call("portolan", { ...add, CNI_COMMAND: command }, input);
        assert.equal(repeated.status, 7);
        const words = Buffer.from(`${command},--state-dir,/x y,cni,plugin,portolan,`);
        assert.ok(repeated.out.equals(Buffer.concat([words, input])), repeated.out.toString().slice(0, 200));
      }
    });
  }

  test(told("VERSION and the question who it is make no connection"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan", "firewall"]);
    await here.listen();
    const answered = await here.call("firewall", { ...add, CNI_COMMAND: "VERSION" });
    assert.deepEqual([answered.status, json(answered.out)], [0, versionAnswer]);
    for (const environment of [{}, { CNI_COMMAND: "" }]) {
      const { status, out, err } = await here.call("firewall", environment);
      assert.deepEqual([status, out.length], [0, 0]);
      assert.equal(err, `CNI firewall plugin v${version}\nCNI protocol versions supported: ${versions.join(", ")}\n`);
    }
    assert.equal(here.connections, 0);
  });

  test(told("a plugin that is killed takes its connection along"), { skip }, async () => {
    await using here = new Installed(kind, ["portolan"]);
    const closed = new Promise<void>((resolve) => {
      here.answer = (_, response) => {
        response.once("close", resolve);
        child.kill("SIGKILL");
      };
    });
    await here.listen();
    const child = here.start("portolan", add);
    child.stdin.end("{}");
    await closed;
  });
}

// Node.js gives a connection up as soon as it cannot write to it, whatever there is to read.
test("static: an answer that comes before all was sent counts", { skip: noCompiler }, async () => {
  await using here = new Installed("static", ["portolan"]);
  const refusal = '{"code":6,"msg":"too large"}';
  here.instead = endWith(`HTTP/1.1 413 Too Large\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`);
  await here.listen();
  const { status, out } = await here.call("portolan", add, Buffer.alloc(3_000_000, " "));
  assert.deepEqual([status, out.toString()], [1, refusal]);
});

test("static: whatever is answered, the plugin ends with an answer, an error, or the program that does without a daemon", {
  skip: noCompiler,
}, async () => {
  await using here = new Installed("static", ["portolan"]);
  const whole = Buffer.from(
    'HTTP/1.1 422 X\r\nConnection: close\r\ncontent-LENGTH:  24\r\n\r\n{"code":7,"msg":"no way"}',
  );
  const draw = randomFrom("answers of a server that lost its mind");
  let bytes: Uint8Array = whole;
  here.instead = (request) => request.socket.write(bytes, () => request.socket.destroy());
  await here.listen();
  const seen = new Set<string>();
  for (let round = 0; round < 400; round++) {
    bytes = damaged(whole, draw(8));
    const { status, out } = await here.call("portolan", { ...add, CNI_COMMAND: round % 2 === 0 ? "ADD" : "DEL" }, "{}");
    assert.ok(status === 0 || status === 1 || status === 7, `${status} of ${Buffer.from(bytes)}`);
    const text = out.toString();
    const code = /^\{"code":(\d+),"msg":"[^"]*"\}\n$/.exec(text)?.[1];
    seen.add(status === 7 ? "alone" : (code ?? "answered"));
  }
  assert.deepEqual([...seen].toSorted(), ["11", "5", "alone", "answered"]);
});

/** An answer with something changed, left out, or doubled. */
function damaged(whole: Buffer, [what = 0, at = 0, letter = 0, length = 0]: Uint8Array): Uint8Array {
  const start = at % whole.length;
  const [before, after] = [whole.subarray(0, start), whole.subarray(start)];
  switch (what % 4) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, Buffer.from([letter]), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, after.subarray(length % 8)]);
    default:
      return Buffer.concat([before, after.subarray(0, length % 16), after]);
  }
}

test("the static plugin needs no library and is small", { skip: noCompiler }, async () => {
  await using here = new Installed("static", ["portolan"]);
  assert.ok(statSync(join(here.plugins, "portolan")).size < 100_000);
});
