/** A host with a running dockerd and networks of ours, side by side: the published ports of both lead where they should, and neither touches a rule of the other's. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createController } from "../../src/model/controller.ts";
import type { NetworkController } from "../../src/model/types.ts";
import { type DockerHost, noDocker, startDockerHost } from "../support/docker/host.ts";
import { makeOutside } from "../support/outside.ts";
import { type Peer, startPeer } from "../support/peers.ts";
import { enterTestHost, run } from "../support/test-host.ts";

enterTestHost();

const skip = noDocker();
const host = "192.0.2.1";
const peers: Peer[] = [];
let outside: Peer;
let dockerHost: DockerHost;
let controller: NetworkController;

const peer = (name: string, namespace: string): Peer => {
  const made = startPeer(name, namespace);
  peers.push(made);
  return made;
};

/** Rules of iptables in all tables, without the counters of their chains. */
const dockerRules = (): string =>
  ["iptables-save", "ip6tables-save"]
    .map((program) => dockerHost.exec(program).replace(/^#.*\n|\[\d+:\d+\]/gm, ""))
    .join("");
/** Our table, without what comes and goes with ports. */
const ourRules = (): string => run("nft list table inet portolan");

before(async () => {
  if (skip !== false) return;
  makeOutside([`${host}/24`], ["192.0.2.2/24"]);
  outside = peer("outside", "/run/netns/outside");
  dockerHost = await startDockerHost({ network: "shared", flags: ["--userland-proxy=false"] });
  const { docker } = dockerHost;
  await docker.createNetwork("theirs");
  await docker.start(await docker.createContainer({ name: "theirs", network: "theirs", publish: { "80/tcp": 8001 } }));
  await peer("docker", await dockerHost.namespaceOf("theirs")).serve(80);
  controller = await createController({ runDir: "/run/portolan" });
});

after(async () => {
  await controller?.close();
  for (const one of peers) await one.stop();
  await dockerHost?.[Symbol.asyncDispose]();
});

test("published ports of both lead where they should, and no rule of dockerd's is touched", { skip }, async () => {
  const rules = dockerRules();
  const network = await controller.createNetwork({
    name: "ours",
    options: { "com.docker.network.bridge.name": "ours0" },
  });
  const sandbox = await controller.createSandbox({ name: "web" });
  await controller.connect(network, sandbox, { publish: ["8002:80"] });
  const ours = peer("portolan", sandbox.info().namespace);
  await ours.serve(80);
  assert.equal(dockerRules(), rules, "after ours was made");

  const here = peer("host", "host");
  assert.match((await here.ask("tcp", host, 8001)) ?? "", /^docker 80 /, "dockerd's, from the host");
  assert.match((await here.ask("tcp", host, 8002)) ?? "", /^portolan 80 /, "ours, from the host");
  assert.match((await outside.ask("tcp", host, 8001)) ?? "", /^docker 80 /, "dockerd's, from outside");
  assert.equal(
    await outside.ask("tcp", host, 8002),
    undefined,
    "dockerd lets nothing be forwarded that is not its own",
  );

  // The way out: dockerd's chain for administrators is asked first.
  for (const direction of ["-i", "-o"])
    dockerHost.exec("iptables", "-I", "DOCKER-USER", direction, "ours0", "-j", "ACCEPT");
  assert.match((await outside.ask("tcp", host, 8002)) ?? "", /^portolan 80 192\.0\.2\.2$/, "ours, from outside");
  assert.match((await outside.ask("tcp", host, 8001)) ?? "", /^docker 80 /, "dockerd's still");
  for (const direction of ["-i", "-o"])
    dockerHost.exec("iptables", "-D", "DOCKER-USER", direction, "ours0", "-j", "ACCEPT");

  await sandbox.delete();
  await network.delete();
  await controller.settle();
  assert.equal(dockerRules(), rules, "after ours is gone");
});

test("dockerd changes nothing of ours when its own networks and ports come and go", { skip }, async () => {
  const { docker } = dockerHost;
  const network = await controller.createNetwork({ name: "ours" });
  const rules = ourRules();
  await docker.createNetwork("more");
  await docker.start(await docker.createContainer({ name: "more", network: "more", publish: { "80/tcp": 8003 } }));
  assert.equal(ourRules(), rules);
  await docker.remove("more");
  await docker.removeNetwork("more");
  assert.equal(ourRules(), rules);
  await network.delete();
});

test("a subnet of dockerd's is not taken for a network of ours", { skip }, async () => {
  const { addresses } = await dockerHost.docker.inspect("theirs");
  const taken = (addresses["theirs"] ?? assert.fail()).replace(/\d+$/, "0/24");
  await assert.rejects(controller.createNetwork({ name: "ours", ipam: { pools: [{ subnet: taken }] } }), {
    code: "pool-overlap",
  });
});
