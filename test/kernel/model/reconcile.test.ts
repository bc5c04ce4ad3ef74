/** Self-check: whatever somebody breaks is put right, and what is somebody else's stays as it is. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { enterTestHost, exec, run } from "../../support/test-host.ts";
import { damages } from "./damages.ts";
import { plainFiles, scene, state } from "./reconcile-scene.ts";
import { controllerFor, directories } from "./support.ts";

enterTestHost();
run("ip netns add plain");

test("what is broken is put right, and foreign objects beside it are untouched", async (t) => {
  const where = directories(t);
  const controller = await controllerFor(t, { ...where, healing: false });
  const it = await scene(controller);
  const whole = state(where.runDir);
  for (const [name, damage] of Object.entries(damages)) {
    await t.test(name, async () => {
      damage(it);
      const preview = await controller.reconcile({ dryRun: true });
      assert.notDeepEqual(preview.plan, [], "the damage is seen");
      const { plan } = await controller.reconcile();
      assert.deepEqual(plan, preview.plan);
      await controller.settle();
      assert.deepEqual(state(where.runDir), whole);
      assert.deepEqual((await controller.reconcile()).plan, [], "a second time changes nothing");
    });
  }
  // Made anew, a chain is listed in another place.
  await t.test("the raw guard itself is deleted", async () => {
    const guard = run("nft list chain inet portolan guard");
    exec("nft", "flush chain inet portolan guard; delete chain inet portolan guard");
    await controller.reconcile();
    assert.equal(run("nft list chain inet portolan guard"), guard);
    assert.deepEqual((await controller.reconcile()).plan, []);
  });
});

test("what others may change in the files of a sandbox stays, and so does what they put in their place", async (t) => {
  rmSync(plainFiles, { recursive: true, force: true });
  const { runDir, stateDir } = directories(t);
  const controller = await controllerFor(t, { runDir, stateDir, healing: false });
  const network = await controller.createNetwork({ name: "front" });
  const sandbox = await controller.createSandbox({ name: "web", netns: "/run/netns/plain" });
  await controller.connect(network, sandbox);
  const { files } = sandbox.info();
  assert.ok(files);
  const theirs: Readonly<Record<string, string>> = {
    [files.hosts]: `${readFileSync(files.hosts, "utf8")}192.0.2.77 theirs\n`,
    [files.resolvConf]: `${readFileSync(files.resolvConf, "utf8")}nameserver 192.0.2.54\n`,
    [join(plainFiles, "hosts")]: "192.0.2.77 theirs\n",
    [join(plainFiles, "resolv.conf")]: "",
  };
  for (const [path, content] of Object.entries(theirs)) writeFileSync(path, content);
  assert.deepEqual((await controller.reconcile()).plan, []);
  const second = await controller.createNetwork({ name: "second" });
  const endpoint = await controller.connect(second, sandbox);
  const [hosts = "", ...others] = Object.keys(theirs);
  assert.match(readFileSync(hosts, "utf8"), /\n192\.0\.2\.77 theirs\n$/);
  for (const path of others) assert.equal(readFileSync(path, "utf8"), theirs[path], path);
  await controller.disconnect(endpoint);
  for (const [path, content] of Object.entries(theirs)) assert.equal(readFileSync(path, "utf8"), content, path);
  rmSync(files.resolvConf);
  rmSync(files.hosts);
  await controller.reconcile();
  assert.match(
    readFileSync(files.resolvConf, "utf8"),
    /nameserver 127\.0\.0\.11/,
    "what is theirs no more is written again",
  );
  assert.doesNotMatch(readFileSync(files.hosts, "utf8"), /theirs/);
  await sandbox.delete();
  assert.deepEqual(readdirSync(join(runDir, "sandboxes")), []);
  assert.deepEqual(readdirSync(plainFiles).toSorted(), ["hosts", "resolv.conf"], "theirs stay when ours go");
  rmSync(plainFiles, { recursive: true });
});

test("what takes much with it is put right with all that stood on it", async (t) => {
  const where = directories(t);
  const controller = await controllerFor(t, { ...where, healing: false });
  const network = await controller.createNetwork({ name: "front", enableIpv6: true });
  const sandbox = await controller.createSandbox({ name: "web" });
  const publish = ["8080:80", "127.0.0.1:5353:53/udp", "7000-7099:7000-7099"];
  await controller.connect(network, sandbox, { publish });
  const whole = state(where.runDir);
  const { namespace } = sandbox.info();
  const larger: Readonly<Record<string, () => void>> = {
    "the bridge is deleted": () => run(`ip link delete br-${network.id.slice(0, 12)}`),
    "the table is deleted": () => run("nft delete table inet portolan"),
    "the namespace is deleted": () => {
      run(`umount -l ${namespace}`);
      run(`rm ${namespace}`);
    },
    "the files of all sandboxes are deleted": () => rmSync(join(where.runDir, "sandboxes"), { recursive: true }),
    "all of it": () => {
      rmSync(join(where.runDir, "sandboxes"), { recursive: true });
      run("nft delete table inet portolan");
      run(`ip link delete br-${network.id.slice(0, 12)}`);
      run(`umount -l ${namespace}`);
      run(`rm ${namespace}`);
    },
  };
  for (const [name, damage] of Object.entries(larger)) {
    await t.test(name, async () => {
      damage();
      assert.notDeepEqual((await controller.reconcile()).plan, []);
      await controller.settle();
      assert.deepEqual(state(where.runDir), whole);
      assert.deepEqual((await controller.reconcile()).plan, []);
      assert.deepEqual(
        (await controller.ports()).map(({ held }) => held),
        publish.map(() => true),
      );
    });
  }
});
