/**
 * Published ports by real connections: from a machine outside, from the host, from the same network, from another one and from an internal one, over IPv4
 * and IPv6, TCP and UDP.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { addressOf } from "../../../src/address/cidr.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { inSubnets, makeOutside } from "../../support/outside.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const second = { 4: "192.0.2.3", 6: "2001:db8::3" } as const;
const families = [4, 6] as const;
type Family = (typeof families)[number];
type Protocol = "tcp" | "udp";

/** Answers on each port, over TCP and UDP, with a name, the port and the address that it sees. */
const server = `
  const [name, ...ports] = process.argv.slice(1);
  const said = (address, port) => name + " " + port + " " + address.replace("::ffff:", "") + "\\n";
  let waiting = ports.length * 2;
  const ready = () => { if (--waiting === 0) console.log("ready"); };
  for (const port of ports) {
    require("node:net").createServer((socket) => socket.end(said(socket.remoteAddress, port))).listen(port, "::", ready);
    const udp = require("node:dgram").createSocket({ type: "udp6" });
    udp.on("message", (_, from) => udp.send(said(from.address, port), from.port, from.address));
    udp.bind(port, "::", ready);
  }
`;
const servers: ChildProcess[] = [];

async function serve(namespace: string, name: string, ...ports: readonly number[]): Promise<void> {
  const command = [`--net=${namespace}`, process.execPath, "-e", server, name, ...ports.map(String)];
  const child = spawn("nsenter", command, { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  await once(child.stdout ?? assert.fail(), "data");
}

const execute = promisify(execFile);

/** What is answered to somebody in a namespace; undefined where nothing is. */
async function ask(from: string, protocol: Protocol, address: string, port: number): Promise<string | undefined> {
  const script =
    protocol === "tcp"
      ? `exec 3<>/dev/tcp/${address}/${port} && head -1 <&3`
      : `exec 3<>/dev/udp/${address}/${port} && echo hello >&3 && head -1 <&3`;
  const words = [...(from === "host" ? [] : ["nsenter", `--net=${from}`]), "timeout", "1.5", "bash", "-c", script];
  const [program = "", ...rest] = words;
  return execute(program, rest).then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  );
}

let controller: NetworkController;
const namespaceOf = (name: string): string => controller.sandbox(name).info().namespace;
/** An address of a sandbox in its first network. */
function addressIn(name: string, family: Family): string {
  const [endpoint] = controller.sandbox(name).info().endpoints;
  const cidr = family === 4 ? endpoint?.ipv4 : endpoint?.ipv6;
  return addressOf(cidr ?? assert.fail());
}
const there = "/run/netns/outside";
const before_ = snapshot();

before(async () => {
  makeOutside([...inSubnets(host), ...inSubnets(second)], inSubnets(outside));
  controller = await createController({ runDir: "/run/portolan" });
  const front = await controller.createNetwork({ name: "front", enableIpv6: true });
  const back = await controller.createNetwork({ name: "back", enableIpv6: true });
  const inner = await controller.createNetwork({ name: "inner", enableIpv6: true, internal: true });
  for (const [name, network, publish] of [
    [
      "web",
      front,
      [
        "8080:80",
        "8080:80/udp",
        `${host[4]}:9000:80`,
        `[${host[6]}]:9000:80`,
        "7000-7009:7000-7009",
        "7100-7102:80-82",
        "127.0.0.1:9100:80",
      ],
    ],
    ["other", front, []],
    ["api", back, []],
    ["box", inner, []],
  ] as const) {
    const sandbox = await controller.createSandbox({ name });
    await controller.connect(network, sandbox, { publish });
  }
  await serve(namespaceOf("web"), "web", 80, 82, 7000, 7009, 81);
  for (const family of families) {
    // Routes to the networks, to try the direct way.
    const via = `via ${host[family]}`;
    const [pool] = front.info().ipam.pools.filter(({ subnet }) => subnet.includes(":") === (family === 6));
    run(`ip -n outside route add ${pool?.subnet} ${via}`);
  }
});

after(async () => {
  for (const child of servers) child.kill("SIGKILL");
  await Promise.all(servers.map((child) => (child.exitCode ?? child.signalCode) === null && once(child, "exit")));
  for (const { id } of controller.sandboxes()) await controller.sandbox(id).delete();
  await controller.pruneNetworks();
  await controller.close();
  run("ip link delete out0");
  run("ip netns delete outside");
  assert.deepEqual(snapshot(), before_, "nothing is left");
});

for (const family of families) {
  for (const protocol of ["tcp", "udp"] as const) {
    test(`from outside, over IPv${family} and ${protocol}, the sandbox answers and sees who asks`, async () => {
      assert.equal(await ask(there, protocol, host[family], 8080), `web 80 ${outside[family]}`);
      assert.equal(await ask(there, protocol, second[family], 8080), `web 80 ${outside[family]}`);
    });

    test(`from the host by its own address, over IPv${family} and ${protocol}`, async () => {
      assert.match((await ask("host", protocol, host[family], 8080)) ?? "", /^web 80 /);
    });

    test(`from the same network and from the sandbox itself by the host's address, over IPv${family} and ${protocol}`, async () => {
      for (const name of ["other", "web"])
        assert.match((await ask(namespaceOf(name), protocol, host[family], 8080)) ?? "", /^web 80 /, name);
    });

    test(`from another network by the host's address, over IPv${family} and ${protocol}`, async () => {
      assert.equal(await ask(namespaceOf("api"), protocol, host[family], 8080), `web 80 ${addressIn("api", family)}`);
    });
  }

  test(`what is published on one address is not on another, over IPv${family}`, async () => {
    assert.equal(await ask(there, "tcp", host[family], 9000), `web 80 ${outside[family]}`);
    assert.equal(await ask(there, "tcp", second[family], 9000), undefined);
  });

  test(`a row of ports leads port by port, over IPv${family}`, async () => {
    for (const port of [7000, 7009])
      assert.equal(await ask(there, "tcp", host[family], port), `web ${port} ${outside[family]}`);
    assert.equal(await ask(there, "tcp", host[family], 7010), undefined);
    for (const [port, inside] of [
      [7100, 80],
      [7102, 82],
    ] as const)
      assert.equal(await ask(there, "tcp", host[family], port), `web ${inside} ${outside[family]}`);
  });

  test(`a sandbox is reached by published ports alone, over IPv${family}`, async () => {
    const address = addressIn("web", family);
    assert.equal(await ask(there, "tcp", address, 80), undefined, "directly from outside");
    assert.equal(await ask(there, "tcp", address, 8080), undefined);
    assert.equal(await ask(namespaceOf("api"), "tcp", address, 80), undefined, "directly from another network");
    assert.equal(await ask(namespaceOf("other"), "tcp", address, 80), `web 80 ${addressIn("other", family)}`);
  });

  test(`from an internal network no published port is reached, over IPv${family}`, async () => {
    assert.equal(await ask(namespaceOf("box"), "tcp", host[family], 8080), undefined);
  });
}

for (const protocol of ["tcp", "udp"] as const) {
  test(`from the host by 127.0.0.1, over ${protocol}, what is published on all addresses, on 127.0.0.1, and rows`, async () => {
    assert.match((await ask("host", protocol, "127.0.0.1", 8080)) ?? "", /^web 80 /);
    if (protocol === "udp") return;
    assert.match((await ask("host", protocol, "127.0.0.1", 9100)) ?? "", /^web 80 /);
    assert.match((await ask("host", protocol, "127.0.0.1", 7009)) ?? "", /^web 7009 /);
    assert.equal(await ask("host", protocol, "127.0.0.1", 9000), undefined, "published on another address");
  });
}

test("a sandbox reaches nothing that listens on the host's loopback, though its bridge routes from there", async () => {
  const listener = createServer((socket) => socket.end("host\n")).listen(9200, "127.0.0.1");
  await once(listener, "listening");
  try {
    assert.equal(await ask("host", "tcp", "127.0.0.1", 9200), "host");
    const inside = namespaceOf("other");
    exec("nsenter", `--net=${inside}`, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    for (const line of [
      "route add 127.0.0.1/32 via GATEWAY table 9",
      "rule add to 127.0.0.1 table 9 pref 0",
      "rule add pref 1 table local",
      "rule delete pref 0 table local",
    ]) {
      const gateway = controller.network("front").info().ipam.pools[0]?.gateway ?? assert.fail();
      exec("nsenter", `--net=${inside}`, "ip", ...line.replace("GATEWAY", gateway).split(" "));
    }
    assert.equal(await ask(inside, "tcp", "127.0.0.1", 9200), undefined);
    assert.equal(await ask(inside, "tcp", "127.0.0.1", 9100), undefined);
  } finally {
    listener.close();
  }
});

test("what is published on 127.0.0.1 cannot be reached from the network, also not by who sends 127.0.0.1 to our door", async () => {
  assert.equal(await ask(there, "tcp", host[4], 9100), undefined);
  run("ip -n outside route add 127.0.0.1/32 via 192.0.2.1 table 9");
  run("ip -n outside rule add to 127.0.0.1 table 9 pref 0");
  exec("nsenter", `--net=${there}`, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
  run("ip -n outside rule add pref 1 table local");
  run("ip -n outside rule delete pref 0 table local");
  assert.equal(await ask(there, "tcp", "127.0.0.1", 9100), undefined);
});

test("the administrator's chain is asked first", async () => {
  exec(
    "nft",
    "add rule inet portolan portolan-user ip saddr 192.0.2.2 meta l4proto tcp ct original proto-dst 8080 drop",
  );
  assert.equal(await ask(there, "tcp", host[4], 8080), undefined);
  assert.match((await ask(there, "tcp", host[6], 8080)) ?? "", /^web/);
  exec("nft", "flush chain inet portolan portolan-user");
  assert.match((await ask(there, "tcp", host[4], 8080)) ?? "", /^web/);
});

test("a port that is taken is refused with the name of who has it, and an endpoint that goes gives its ports back", async () => {
  const sandbox = await controller.createSandbox({ name: "late" });
  const back = controller.network("back");
  const before = snapshot();
  for (const publish of ["8080:80", "192.0.2.1:8080:80", "7005:1", "6990-7000:6990-7000"]) {
    await assert.rejects(controller.connect(back, sandbox, { publish: ["9900:1", publish] }), (error) => {
      assert.ok(error instanceof Error && "code" in error && "reason" in error);
      assert.equal(error.code, "in-use");
      assert.match(String(error.reason), /endpoint "web" of network "front" has /);
      return true;
    });
  }
  assert.deepEqual(snapshot(), before);
  const endpoint = await controller.connect(back, sandbox, { publish: ["9900:1", "8080:80/sctp", "7000-7020:80"] });
  assert.deepEqual(
    endpoint.info().ports.map(({ host }) => host.first),
    [9900, 8080, 7010],
  );
  const any = await controller.connect(controller.network("front"), sandbox, { publish: ["80", "0:81"] });
  const [first, other] = any.info().ports.map(({ host }) => host.first);
  assert.ok(first !== undefined && first >= 32_768 && other !== undefined && other !== first);
  await sandbox.delete();
  const again = await controller.createSandbox({ name: "again" });
  await controller.connect(back, again, { publish: ["9900:1"] });
  await again.delete();
});

test("networks that cannot publish refuse it", async () => {
  const sandbox = await controller.createSandbox({ name: "none" });
  await assert.rejects(controller.connect(controller.network("inner"), sandbox, { publish: ["1:1"] }), {
    code: "forbidden",
  });
  await assert.rejects(controller.connect(controller.network("none"), sandbox, { publish: ["1:1"] }), {
    code: "forbidden",
  });
  await sandbox.delete();
});
