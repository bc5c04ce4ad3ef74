/** `linkInContainer`: macvlan, ipvlan and vlan on a link of the container's own. A kernel without such links has nothing to show. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();

let controller: NetworkController;
before(async () => {
  controller = await createController({ stateDir: "/run/state", runDir: "/run/engine" });
});
after(() => controller.close());

interface Config {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Calls a plugin as a runtime does; what it prints. Throws where it fails. */
async function call(command: string, config: Config, id: string, ifname: string, prevResult?: unknown) {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: command === "DEL" ? "" : `/run/netns/${id}`,
    CNI_IFNAME: ifname,
    CNI_PATH: "",
  };
  const input = JSON.stringify({ cniVersion: "1.1.0", name: "first", ...config, prevResult });
  const { status, output } = await answer({ type: config.type, environment, input }, controller.attachments);
  const json = output === "" ? {} : JSON.parse(output);
  if (status !== 0) throw new Error(`${json.code}: ${json.msg} ${json.details ?? ""}`);
  return json;
}

const onBridge: Config = {
  type: "bridge",
  bridge: "lic0",
  isDefaultGateway: true,
  ipam: { type: "host-local", subnet: "10.68.0.0/24" },
};

/** A container with `eth0` on the bridge, which goes with the test. */
async function container(t: TestContext, id: string): Promise<void> {
  run(`ip netns add ${id}`);
  t.after(() => run(`ip netns delete ${id}`));
  await call("ADD", onBridge, id, "eth0");
  t.after(() => call("DEL", onBridge, id, "eth0"));
}

const standing = (type: string, address: string, more: Readonly<Record<string, unknown>> = {}): Config => ({
  type,
  name: "second",
  master: "eth0",
  linkInContainer: true,
  ...(type === "vlan" && { vlanId: 7 }),
  ipam: { type: "static", addresses: [{ address }] },
  ...more,
});

const kindOf = (id: string, name: string): string =>
  JSON.parse(run(`ip -n ${id} -d -j link show ${name}`))[0].linkinfo.info_kind;
const linksOf = (id: string): readonly string[] =>
  JSON.parse(run(`ip -n ${id} -j link`)).map(({ ifname }: { readonly ifname: string }) => ifname);

/** Why this kernel cannot have links of that type; false where it can. */
function missingKind(type: string): string | false {
  run("ip link add lic-parent type veth peer name lic-far");
  try {
    exec("sh", "-c", `ip link add link lic-parent name lic-try type ${type}${type === "vlan" ? " id 7" : ""} 2>&1`);
    return false;
  } catch {
    return `this kernel has no ${type} links`;
  } finally {
    run("ip link delete lic-parent");
  }
}

for (const type of ["macvlan", "ipvlan", "vlan"]) {
  test(`${type} on a link of the container's own: reached, seen, mended, undone without a namespace's path`, {
    skip: missingKind(type),
  }, async (t) => {
    const [one, two] = [`${type}1`, `${type}2`];
    for (const id of [one, two]) await container(t, id);
    await controller.settle();
    const before = [snapshot(), linksOf(one)];
    const [config, other] = [standing(type, "10.69.0.1/24"), standing(type, "10.69.0.2/24")];
    const result = await call("ADD", config, one, "net1");
    await call("ADD", other, two, "net1");
    assert.equal(kindOf(one, "net1"), type);
    assert.deepEqual(
      result.interfaces.map(({ name, sandbox }: { readonly name: string; readonly sandbox: string }) => [
        name,
        sandbox,
      ]),
      [["net1", `/run/netns/${one}`]],
    );
    const reached = exec("nsenter", `--net=/run/netns/${one}`, "ping", "-c1", "-W5", "10.69.0.2");
    assert.match(reached, / 1 received/);
    await call("CHECK", config, one, "net1", result);
    run(`ip -n ${one} link delete net1`);
    await assert.rejects(call("CHECK", config, one, "net1", result), /net1/);
    await controller.reconcile();
    await call("CHECK", config, one, "net1", result);
    for (const [id, asked] of [
      [one, config],
      [two, other],
    ] as const)
      await call("DEL", asked, id, "net1");
    await controller.settle();
    assert.deepEqual([snapshot(), linksOf(one)], before);
  });

  test(`${type} on a link of the container's own: DEL behind its parent's, and GC`, {
    skip: missingKind(type),
  }, async (t) => {
    const id = `${type}3`;
    await container(t, id);
    const config = standing(type, "10.69.0.1/24");
    await call("ADD", config, id, "net1");
    await call("DEL", onBridge, id, "eth0");
    await controller.settle();
    assert.deepEqual(linksOf(id), ["lo"]);
    await call("DEL", config, id, "net1");
    await call("ADD", onBridge, id, "eth0");
    await call("ADD", config, id, "net1");
    await call("GC", { ...config, "cni.dev/valid-attachments": [] }, id, "net1");
    await controller.settle();
    assert.deepEqual(linksOf(id), ["lo", "eth0"]);
  });
}

test("without master the parent is the link of the container's default route", {
  skip: missingKind("macvlan"),
}, async (t) => {
  await container(t, "routed");
  const { master: _, ...rest } = standing("macvlan", "10.69.0.1/24");
  const config = { ...rest, type: "macvlan" };
  await call("ADD", config, "routed", "net1");
  t.after(() => call("DEL", config, "routed", "net1"));
  assert.equal(JSON.parse(run("ip -n routed -j link show net1"))[0].link, "eth0");
});

test("a parent that the host alone has, and an MTU above the parent's, are refused, and nothing is left", async (t) => {
  await container(t, "refused");
  run("ip link add onhost type veth peer name far");
  t.after(() => run("ip link delete onhost"));
  const add = (more: Readonly<Record<string, unknown>>) =>
    call("ADD", standing("macvlan", "10.69.0.1/24", more), "refused", "net1");
  await assert.rejects(add({ master: "onhost" }), /failed to lookup master "onhost"/);
  await assert.rejects(add({ mtu: 9000 }), /7: invalid MTU 9000/);
  assert.deepEqual(linksOf("refused"), ["lo", "eth0"]);
});
