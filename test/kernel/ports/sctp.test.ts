/** Published ports of SCTP: held and reached where the kernel has it, and no harm where it has not. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();
const empty = snapshot();
let controller: NetworkController;

before(async () => {
  controller = await createController({ runDir: "/run/portolan" });
  const front = await controller.createNetwork({ name: "front" });
  await controller.connect(front, await controller.createSandbox({ name: "web" }), { publish: ["9000:9001/sctp"] });
});

after(async () => {
  await controller.sandbox("web").delete();
  await controller.network("front").delete();
  await controller.close();
  assert.deepEqual(snapshot(), empty, "nothing is left");
});

/** A socket of IPPROTO_SCTP (132), one to one. */
const socket = `use Socket; socket(my $s, PF_INET, SOCK_STREAM, 132) or die "$!\\n"; my $at = sub { pack_sockaddr_in($_[1], inet_aton($_[0])) };`;
const { status, stderr } = spawnSync("perl", ["-e", socket], { encoding: "utf8" });
const skip = status === 0 ? false : `this kernel has no SCTP: ${stderr.trim()}`;

test("a port of SCTP is an element like any other, with SCTP and without", async () => {
  assert.match(run("nft list map inet portolan published-anywhere4"), /sctp \. 9000 : 10\.\S+ \. 9001/);
  assert.deepEqual(
    (await controller.doctor()).problems.filter(({ code }) => code === "port-lost"),
    [],
  );
});

test("nobody can bind it", { skip }, () => {
  const bind = (port: number) =>
    exec("perl", "-e", `${socket} print bind($s, $at->("0.0.0.0", ${port})) ? "bound" : $!`);
  assert.equal(bind(9000), "Address already in use");
  assert.equal(bind(9002), "bound");
});

test("an association reaches the sandbox", { skip }, async () => {
  const { namespace } = controller.sandbox("web").info();
  const server = `${socket} bind($s, $at->("0.0.0.0", 9001)) && listen($s, 5) or die $!; $| = 1; print "ready\\n";
    accept(my $c, $s); send($c, "ahoy", 0); sleep 1`;
  const child = spawn("nsenter", [`--net=${namespace}`, "perl", "-e", server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    await once(child.stdout ?? assert.fail(), "data");
    const [gateway] = controller
      .network("front")
      .info()
      .ipam.pools.map((pool) => pool.gateway);
    const client = `${socket} alarm 3; connect($s, $at->("${gateway}", 9000)) or die $!; recv($s, my $m, 9, 0); print $m`;
    assert.equal(exec("perl", "-e", client), "ahoy");
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
});
