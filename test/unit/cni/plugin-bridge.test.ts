/** What the type `bridge` refuses before it changes anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { askedVlans, portVlans } from "../../../src/cni/plugin/bridge-vlans.ts";
import { Fields } from "../../../src/cni/plugin/fields.ts";
import { readRawObject } from "../../../src/cni/protocol/raw-json.ts";
import { createController } from "../../../src/model/controller.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";
import { silentServices } from "../../support/silent-services.ts";

const namespace = "/run/netns/c1";
const engine = createMemoryEngine({ foreign: { namespaces: [namespace] }, lacking: ["nft-bridge", "bridge-vlan"] });
const controller = await createController({ engine, services: false, healing: false, thread: silentServices });

/** An ADD of the type with a configuration: what is answered. */
async function add(
  config: object,
): Promise<{ readonly code: number; readonly msg: string; readonly details?: string }> {
  const environment = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c1",
    CNI_NETNS: namespace,
    CNI_NETNS_OVERRIDE: "1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/nowhere",
  };
  const ipam = { type: "host-local", subnet: "10.1.0.0/24" };
  const input = JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "bridge", ipam, ...config });
  return JSON.parse((await answer({ type: "bridge", environment, input }, controller.attachments)).output);
}

test("macspoofchk without nftables for bridges is refused by the kernel option's name, and nothing is made or given out", async () => {
  const { code, msg, details } = await add({ macspoofchk: true });
  assert.deepEqual([code, msg], [999, "this kernel lacks nftables on the ports of bridges"]);
  assert.match(details ?? "", /CONFIG_NF_TABLES_BRIDGE/);
  assert.deepEqual(engine.state(), {});
  const { ips } = (await add({})) as unknown as { readonly ips: readonly { readonly address: string }[] };
  assert.deepEqual(ips, [{ address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 2 }]);
});

test("VLANs on a kernel whose bridges cannot keep them apart are refused by the kernel option's name, and nothing is made", async () => {
  const before = engine.state();
  for (const asked of [{ vlan: 10 }, { vlanTrunk: [{ id: 10 }] }]) {
    const { code, msg, details } = await add({ bridge: "vlans0", ...asked });
    assert.deepEqual([code, msg], [999, "this kernel lacks bridges that keep VLANs apart"]);
    assert.match(details ?? "", /CONFIG_BRIDGE_VLAN_FILTERING/);
  }
  assert.deepEqual(engine.state(), before);
});

test("VLANs that cannot be are refused with the reference plugin's words", async () => {
  const refused: readonly (readonly [asked: object, words: RegExp])[] = [
    [{ vlan: 4095 }, /invalid VLAN ID 4095/],
    [{ vlan: -1 }, /invalid VLAN ID -1/],
    [{ vlanTrunk: [{ id: 0 }] }, /incorrect trunk id parameter/],
    [{ vlanTrunk: [{ minID: 1, maxID: 4095 }] }, /incorrect trunk maxID parameter/],
    [{ vlanTrunk: [{ minID: 10 }] }, /maxID is missing/],
    [{ vlanTrunk: [{ maxID: 10 }] }, /minID is missing/],
    [{ vlanTrunk: [{ minID: 20, maxID: 10 }] }, /minID is greater than maxID/],
  ];
  for (const [asked, words] of refused) {
    const { code, msg } = await add(asked);
    assert.equal(code, 7, msg);
    assert.match(msg, words);
  }
});

const asked = (config: object) => askedVlans(new Fields(readRawObject(JSON.stringify(config))));
const told = (config: object, standing?: { readonly default: number }) => {
  const vlans = asked(config);
  return vlans && portVlans(vlans, standing);
};

test("a port is told of its own VLAN and of the rows of its trunk", () => {
  assert.equal(told({}), undefined);
  assert.equal(told({ vlan: 0, vlanTrunk: [], preserveDefaultVlan: false }), undefined);
  assert.deepEqual(told({ vlan: 10 }), { native: 10, tagged: [] });
  const trunk = [{ id: 22 }, { minID: 20, maxID: 21, id: 40 }, { minID: 21, maxID: 23 }];
  const [row, single] = [
    [20, 23],
    [40, 40],
  ];
  assert.deepEqual(told({ vlanTrunk: trunk }), { native: 1, tagged: [row, single] });
  assert.deepEqual(told({ vlan: 23, vlanTrunk: trunk })?.tagged, [[20, 22], single]);
  assert.deepEqual(told({ vlanTrunk: [{ id: 1 }] }), { tagged: [[1, 1]] });
});

test("a port leaves the VLAN that the bridge gives new ports where that is not to be preserved, unless it is to be in it", () => {
  const alone = (config: object, standing?: { readonly default: number }) =>
    told({ ...config, preserveDefaultVlan: false }, standing);
  assert.deepEqual(alone({ vlan: 10 }), { native: 10, tagged: [], without: 1 });
  assert.deepEqual(alone({ vlanTrunk: [{ id: 10 }] }), { tagged: [[10, 10]], without: 1 });
  assert.deepEqual(alone({ vlan: 1 }), { native: 1, tagged: [] });
  assert.equal(alone({ vlan: 10 }, { default: 5 })?.without, 5);
  assert.equal(alone({ vlan: 10 }, { default: 0 })?.without, undefined);
  assert.equal(alone({ vlan: 10, vlanTrunk: [{ id: 5 }] }, { default: 5 })?.without, undefined);
});
