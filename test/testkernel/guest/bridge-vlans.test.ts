/** CNI's `bridge` with VLANs: who reaches whom, what the host has in them, what is mended, undone, explained, and left. */
import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { explainByCommands } from "../../kernel/model/explaining.ts";
import { failAtEachChange } from "../../kernel/model/failing.ts";
import { killAtEachChange } from "../../kernel/model/killing.ts";
import { someOf, vlanOperations } from "../../kernel/model/operations/attachments/index.ts";
import { makeForeign } from "../../kernel/model/operations/operation.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();
makeForeign();

let controller: NetworkController;
before(async () => {
  controller = await createController({ stateDir: "/run/state", runDir: "/run/engine" });
});
after(() => controller.close());

interface Asked {
  readonly vlan?: number;
  readonly vlanTrunk?: readonly object[];
  readonly [key: string]: unknown;
}

/** Calls the plugin as a runtime does; what it prints. Throws where it fails. */
async function call(command: string, asked: Asked, id: string, prevResult?: unknown) {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: command === "DEL" ? "" : `/run/netns/${id}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: "",
  };
  const name = `net${asked.vlan ?? ""}`;
  const config = { cniVersion: "1.1.0", name, type: "bridge", bridge: "vlans0", ...asked, prevResult };
  const { status, output } = await answer(
    { type: "bridge", environment, input: JSON.stringify(config) },
    controller.attachments,
  );
  const json = output === "" ? {} : JSON.parse(output);
  if (status !== 0) throw new Error(`${json.code}: ${json.msg} ${json.details ?? ""}`);
  return json;
}

/** A container with its address, attached until the test ends; the result. */
async function container(t: TestContext, id: string, asked: Asked, address: string) {
  run(`ip netns add ${id}`);
  t.after(() => run(`ip netns delete ${id}`));
  const config = { ipam: { type: "static", addresses: [{ address }] }, ...asked };
  const result = await call("ADD", config, id);
  t.after(() => call("DEL", config, id));
  return { result, config };
}

/** Whether an address answers a container. Several: who has not answered is asked again only after a while. */
const reaches = (id: string, address: string): boolean =>
  /, [1-3] received/.test(exec("sh", "-c", `nsenter --net=/run/netns/${id} ping -c 3 -i 0.5 -W 2 ${address} || true`));

/** The VLANs of a bridge's port as `bridge` shows them. */
const vlansOf = (link: string): string =>
  run(`bridge vlan show dev ${link}`)
    .split("\n")
    .slice(1)
    .map((line) => line.replace(link, "").trim())
    .filter((line) => line !== "")
    .join(", ");

test("VLANs on one bridge are apart, and a trunk has them all", async (t) => {
  const clean = snapshot();
  await t.test("attached", async (attached) => {
    const [ten, twenty] = [{ vlan: 10, preserveDefaultVlan: false }, { vlan: 20 }];
    const { result, config } = await container(attached, "a10", ten, "10.8.0.2/24");
    await container(attached, "b10", ten, "10.8.0.3/24");
    await container(attached, "c20", twenty, "10.8.0.4/24");
    const trunk = [{ minID: 10, maxID: 11 }, { id: 20 }];
    const trunked = await container(attached, "trunk", { vlanTrunk: trunk }, "10.9.0.1/24");
    assert.equal(vlansOf(result.interfaces[1].name), "10 PVID Egress Untagged");
    assert.equal(vlansOf(trunked.result.interfaces[1].name), "1 PVID Egress Untagged, 10, 11, 20");
    assert.deepEqual([reaches("a10", "10.8.0.3"), reaches("a10", "10.8.0.4")], [true, false]);
    for (const [id, address, other] of [
      [10, "10.8.0.5", "10.8.0.2"],
      [20, "10.8.0.6", "10.8.0.4"],
    ]) {
      run(`ip -n trunk link add link eth0 name eth0.${id} type vlan id ${id}`);
      run(`ip -n trunk link set eth0.${id} up`);
      run(`ip -n trunk address add ${address} dev eth0.${id}`);
      run(`ip -n trunk route add ${other} dev eth0.${id}`);
    }
    assert.deepEqual([reaches("a10", "10.8.0.5"), reaches("c20", "10.8.0.6")], [true, true]);
    // What somebody changes CHECK sees, and it is mended.
    const link: string = result.interfaces[1].name;
    run(`bridge vlan delete dev ${link} vid 10`);
    run(`bridge vlan add dev ${link} vid 1 pvid untagged`);
    await assert.rejects(call("CHECK", config, "a10", result), /VLAN 10/);
    await controller.reconcile();
    await call("CHECK", config, "a10", result);
    assert.equal(vlansOf(link), "10 PVID Egress Untagged");
  });
  await controller.settle();
  const { namespaces: _, ...left } = snapshot();
  const { namespaces: __, ...was } = clean;
  assert.deepEqual(left, was);
});

test("a port stays in the bridge's own VLAN as well, unless preserveDefaultVlan is false", async (t) => {
  const vlans = async (id: string, asked: Asked): Promise<string> =>
    vlansOf((await container(t, id, asked, "10.8.0.7/24")).result.interfaces[1].name);
  const trunk = { vlanTrunk: [{ id: 31 }] };
  assert.equal(await vlans("both", { vlan: 30 }), "1 Egress Untagged, 30 PVID Egress Untagged");
  assert.equal(await vlans("one", { vlan: 30, preserveDefaultVlan: false }), "30 PVID Egress Untagged");
  assert.equal(await vlans("tagged", { ...trunk, preserveDefaultVlan: false }), "31");
});

test("a gateway is the host's link in the VLAN, beside networks of the same bridge without", async (t) => {
  await controller.settle();
  const clean = snapshot();
  await t.test("attached", async (attached) => {
    const gateway = { isGateway: true, ipMasq: true };
    const plain = await container(attached, "plain", gateway, "10.8.1.2/24");
    const { result, config } = await container(attached, "g10", { ...gateway, vlan: 10 }, "10.8.10.2/24");
    await container(attached, "h10", { ...gateway, vlan: 10 }, "10.8.10.3/24");
    assert.deepEqual(
      result.interfaces.map(({ name }: { readonly name: string }) => name.replace(/^veth.*/, "veth")),
      ["vlans0", "veth", "eth0", "vlans0.10"],
    );
    assert.equal(result.ips[0].interface, 2);
    assert.deepEqual(
      [reaches("g10", "10.8.10.1"), reaches("g10", "10.8.10.3"), reaches("plain", "10.8.1.1")],
      [true, true, true],
    );
    run("ip link delete vlans0.10");
    await assert.rejects(call("CHECK", config, "g10", result), /vlans0\.10/);
    await controller.reconcile();
    await call("CHECK", config, "g10", result);
    assert.ok(reaches("g10", "10.8.10.1"));
    assert.equal(vlansOf(plain.result.interfaces[1].name), "1 PVID Egress Untagged");
  });
  await controller.settle();
  const { namespaces: _, sysctls: __, ...left } = snapshot();
  const { namespaces: ___, sysctls: ____, ...was } = clean;
  assert.deepEqual(left, was);
});

test("somebody's bridge that does not keep VLANs apart is refused, and one that does stays as it is", async (t) => {
  run("ip link add vlans0 type bridge");
  t.after(() => run("ip link delete vlans0"));
  run("ip netns add refused");
  t.after(() => run("ip netns delete refused"));
  await assert.rejects(call("ADD", { vlan: 10 }, "refused"), /vlans0 does not keep VLANs apart .*vlan_filtering 1/);
  run("ip link set vlans0 type bridge vlan_filtering 1 vlan_default_pvid 5");
  await t.test("attached", async (attached) => {
    const { result } = await container(attached, "theirs", { vlan: 10, preserveDefaultVlan: false }, "10.8.0.2/24");
    assert.equal(vlansOf(result.interfaces[1].name), "10 PVID Egress Untagged");
  });
  assert.match(run("ip -d link show vlans0"), /vlan_filtering 1 .*vlan_default_pvid 5/);
});

for (const operation of vlanOperations) {
  test(`${operation.name}: the printed commands come to the same state`, (t) => explainByCommands(t, operation));
  test(`${operation.name}: fails at each change, and nothing has changed`, (t) =>
    failAtEachChange(t, operation, { every: 5 }));
}

for (const operation of someOf(vlanOperations)) {
  test(`${operation.name}: killed at each change, the next start and DEL leave nothing`, (t) =>
    killAtEachChange(t, operation, { every: 7 }));
}
