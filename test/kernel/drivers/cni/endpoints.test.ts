/** Networks of the driver cni, of Debian's plugins: sandboxes reach each other, ports lead to them, and nothing is left. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { addressOf } from "../../../../src/address/cidr.ts";
import { isPortolanError } from "../../../../src/errors.ts";
import type { EndpointInfo } from "../../../../src/model/types.ts";
import { linksIn, withoutReference } from "../../../support/cni/runtime-scene.ts";
import { startPeer } from "../../../support/peers.ts";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { CniScene, natRules, refusing } from "./scene.ts";

enterTestHost();

const portmap = { type: "portmap", capabilities: { portMappings: true } };
const addressIn = ({ ipv4 }: EndpointInfo): string => addressOf(ipv4 ?? assert.fail("it has no IPv4 address"));

test("two sandboxes and the host reach each other, by ports too, and nothing is left", {
  skip: withoutReference,
}, async () => {
  await using scene = new CniScene();
  await scene.start();
  const { controller } = scene;
  const network = await scene.create("lan", [scene.bridge("cni-lan", "10.90.0.0/24"), portmap]);
  assert.equal(network.info().driver, "cni");
  const before = natRules();
  const [one, two] = [await controller.createSandbox({ name: "one" }), await controller.createSandbox({ name: "two" })];
  const endpoint = await controller.connect(network, one, { publish: ["8090:80"], aliases: ["first"] });
  const other = await controller.connect(network, two);
  const info = endpoint.info();
  assert.equal(info.ipv4, "10.90.0.2/24");
  assert.equal(info.interfaceName, "eth0");
  assert.deepEqual([info.publish, info.ports], [["8090:80/tcp"], []]);
  assert.match(run(`nsenter --net=${one.info().namespace} ip link show eth0`), new RegExp(info.mac ?? "no MAC"));
  assert.match(run(`nsenter --net=${one.info().namespace} ip route show default`), /via 10\.90\.0\.1/);
  assert.equal(one.info().gateway.ipv4, endpoint.id);
  assert.deepEqual(
    two
      .names()
      .filter(({ name }) => name === "first")
      .map(({ addresses }) => addresses),
    [["10.90.0.2"]],
  );

  const peers = [one, two].map((sandbox) => startPeer(sandbox.name, sandbox.info().namespace));
  const host = startPeer("host", "host");
  for (const peer of peers) await peer.serve(80);
  assert.equal(await peers[1]?.ask("tcp", addressIn(info), 80), `one 80 ${addressIn(other.info())}`);
  assert.equal(await host.ask("tcp", addressIn(other.info()), 80), "two 80 10.90.0.1");
  assert.match((await host.ask("tcp", "10.90.0.1", 8090)) ?? "nobody", /^one 80 /);
  await Promise.all([...peers, host].map((peer) => peer.stop()));

  await controller.disconnect(endpoint);
  assert.deepEqual(linksIn(one.info().namespace), []);
  assert.deepEqual(scene.reserved("lan"), ["10.90.0.3"]);
  await two.delete();
  assert.deepEqual([scene.reserved("lan"), scene.results()], [[], []]);
  assert.deepEqual(natRules(), before);
  await one.delete();
});

test("the list is that of the network's making, whatever becomes of its file", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  const network = await scene.create("kept", [scene.bridge("cni-kept", "10.91.0.0/24")]);
  const sandbox = await scene.controller.createSandbox({ name: "s" });
  const endpoint = await scene.controller.connect(network, sandbox);
  writeFileSync(network.info().options["conflist"] ?? "", "no JSON");
  await scene.start();
  await scene.controller.disconnect(scene.controller.endpoint(endpoint.id));
  assert.deepEqual([scene.reserved("kept"), linksIn(sandbox.info().namespace)], [[], []]);
  const again = await scene.controller.connect(scene.controller.network("kept"), scene.controller.sandbox("s"));
  assert.equal(again.info().network.driver, "cni");
});

test("a plugin that fails leaves nothing, and its words are told", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  scene.script("refuse", refusing("ADD", scene.path));
  const network = await scene.create("failing", [scene.bridge("cni-failing", "10.92.0.0/24"), { type: "refuse" }]);
  const sandbox = await scene.controller.createSandbox({ name: "s" });
  const rules = natRules();
  await assert.rejects(
    scene.controller.connect(network, sandbox),
    (error) => isPortolanError(error, "plugin") && `${error.message} ${error.reason}`.includes("not today"),
  );
  assert.deepEqual([linksIn(sandbox.info().namespace), scene.reserved("failing"), natRules()], [[], [], rules]);
  assert.deepEqual(network.info().endpoints, []);
});
