/** What is asked for in networks of the driver cni: addresses, MACs and ports where the list can give them, and default routes beside those of other networks. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type ErrorCode, isPortolanError } from "../../../../src/errors.ts";
import { linksIn, withoutReference } from "../../../support/cni/runtime-scene.ts";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { CniScene, passing, refusing } from "./scene.ts";

enterTestHost();

const refused = (code: ErrorCode, words: RegExp) => (error: unknown) =>
  isPortolanError(error, code) && words.test(`${error.message} ${error.reason} ${error.advice}`);

test("what the list declares is given, and what it does not is refused", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  const { controller } = scene;
  const able = { ...scene.bridge("cni-able", "10.80.0.0/24"), capabilities: { mac: true, ips: true } };
  const network = await scene.create("able", [able]);
  const unable = await scene.create("unable", [scene.bridge("cni-unable", "10.81.0.0/24")]);
  const sandbox = await controller.createSandbox({ name: "s" });
  const endpoint = await network.createEndpoint({ name: "e", ipv4: "10.80.0.77", mac: "02:00:00:00:00:77" });
  assert.equal(endpoint.info().ipv4, undefined);
  for (const _ of ["once", "again"]) {
    await endpoint.join(sandbox, { interfaceName: "lan0" });
    const { ipv4, mac, interfaceName } = endpoint.info();
    assert.deepEqual([ipv4, mac, interfaceName], ["10.80.0.77/24", "02:00:00:00:00:77", "lan0"]);
    assert.match(
      run(`nsenter --net=${sandbox.info().namespace} ip address show lan0`),
      /02:00:00:00:00:77[\s\S]*10\.80\.0\.77/,
    );
    await endpoint.leave();
    assert.deepEqual([endpoint.info().ipv4, endpoint.info().mac], [undefined, "02:00:00:00:00:77"]);
    assert.deepEqual([linksIn(sandbox.info().namespace), scene.reserved("able")], [[], []]);
  }
  for (const [spec, words] of [
    [{ ipv4: "10.81.0.9" }, /capability "ips"/],
    [{ mac: "02:00:00:00:00:78" }, /capability "mac"/],
    [{ publish: ["8080:80"] }, /capability "portMappings"/],
    [{ publish: ["80"] }, /HOST:PORT/],
    [{ options: { "com.docker.network.endpoint.sysctls": "a=b" } }, /no endpoint option/],
  ] as const) {
    await assert.rejects(controller.connect(unable, sandbox, spec), refused("invalid-option", words));
  }
  const host = await controller.createSandbox({ name: "h", host: true });
  await assert.rejects(controller.connect(unable, host), refused("forbidden", /host's own stack/));
  const plans: unknown[] = [];
  await controller.connect(unable, sandbox, {}, { dryRun: true, onPlan: (plan) => plans.push(plan) });
  assert.equal(plans.length, 1);
  assert.deepEqual([unable.info().endpoints, linksIn(sandbox.info().namespace)], [[], []]);
});

test("a network's list is looked at when it is made", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  const make = (options: Readonly<Record<string, string>>) =>
    scene.controller.createNetwork({ name: "n", driver: "cni", options });
  const bridge = scene.bridge("cni-looked", "10.82.0.0/24");
  await assert.rejects(make({}), refused("invalid-option", /conflist/));
  await assert.rejects(make({ conflist: "x.conflist" }), refused("invalid-option", /absolute/));
  await assert.rejects(make({ conflist: join(scene.path, "none") }), refused("not-found", /none/));
  await assert.rejects(make({ conlist: "/x" }), refused("invalid-option", /"conflist"/));
  await assert.rejects(make({ conflist: scene.list("a", [{ type: "brigde" }]) }), refused("not-found", /"bridge"/));
  const newer = scene.list("b", [bridge], { cniVersion: "1.1.0" });
  const spoken: unknown = JSON.parse(run("env CNI_COMMAND=VERSION /usr/lib/cni/bridge")).supportedVersions;
  if (!(Array.isArray(spoken) && spoken.includes("1.1.0"))) {
    await assert.rejects(make({ conflist: newer }), refused("unsupported", /version 1\.1\.0/));
  }
  const busy = join(scene.path, "busy");
  writeFileSync(busy, "");
  scene.script("hostile", refusing("STATUS", busy).replaceAll("1.0.0", "1.1.0"));
  const status = {
    conflist: scene.list("c", [{ type: "hostile" }], { cniVersion: "1.1.0" }),
    "plugin-dir": scene.scripts,
  };
  await assert.rejects(make(status), refused("plugin", /not today/));
  const own = join(scene.path, "own");
  mkdirSync(own);
  writeFileSync(join(own, "bridge"), "\x7fELF/run/s\t/bin/true\tPORTOLAN-CNI-1 00000016\n", { mode: 0o755 });
  const ours = { conflist: scene.list("d", [bridge]), "plugin-dir": own };
  await assert.rejects(make(ours), refused("invalid-argument", /engine's own/));
  await scene.create("e", [bridge]);
  await assert.rejects(make({ conflist: scene.list("e", [bridge]) }), refused("exists", /network e is of a list "e"/));
  const internal = { name: "i", driver: "cni", internal: true, options: { conflist: scene.list("i", [bridge]) } };
  await assert.rejects(scene.controller.createNetwork(internal), refused("invalid-argument", /internal/));
});

test("default routes of plugins go before the engine's, which come back", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  const { controller } = scene;
  const network = await scene.create("lan", [scene.bridge("cni-routes", "10.83.0.0/24")]);
  const front = await controller.createNetwork({ name: "front", ipam: { pools: [{ subnet: "10.84.0.0/24" }] } });
  for (const order of [
    [front, network],
    [network, front],
  ]) {
    const sandbox = await controller.createSandbox({ name: "s" });
    for (const one of order) await controller.connect(one, sandbox);
    const { namespace } = sandbox.info();
    const routes = (): string => run(`nsenter --net=${namespace} ip route show default`).trim();
    assert.match(routes(), /^default via 10\.83\.0\.1 dev eth\d$/);
    assert.match(
      run(
        `nsenter --net=${namespace} ip route get 192.0.2.1 from ${controller.endpoints({ network: ["front"] })[0]?.ipv4?.split("/")[0]}`,
      ),
      /via 10\.84\.0\.1/,
    );
    assert.deepEqual((await controller.reconcile()).plan, []);
    const [cni] = controller.endpoints({ network: ["lan"] });
    await controller.disconnect(controller.endpoint(cni?.id ?? ""));
    assert.match(routes(), /^default via 10\.84\.0\.1 dev eth\d proto 112/);
    await sandbox.delete();
  }
});

test("a plugin that waits holds up nobody who looks at everything", { skip: withoutReference }, async () => {
  await using scene = new CniScene();
  await scene.start();
  scene.script("slow", passing(`if [ "$CNI_COMMAND" = ADD ]; then sleep 2; fi`));
  const network = await scene.create("lan", [scene.bridge("cni-slow", "10.85.0.0/24"), { type: "slow" }]);
  const sandbox = await scene.controller.createSandbox({ name: "s" });
  const start = performance.now();
  const connecting = scene.controller.connect(network, sandbox);
  await scene.controller.reconcile();
  assert.ok(performance.now() - start < 1500, "it did not wait");
  await connecting;
  assert.ok(performance.now() - start > 2000, "the plugin did");
  const taken = AbortSignal.timeout(500);
  const other = await scene.controller.createSandbox({ name: "o" });
  await assert.rejects(scene.controller.connect(network, other, {}, { signal: taken }), refused("aborted", /./));
  assert.deepEqual([linksIn(other.info().namespace), scene.reserved("lan").length], [[], 1]);
});
