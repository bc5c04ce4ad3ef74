/** What the type `bridge` refuses before it changes anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../../src/cni/plugin/answer.ts";
import { createController } from "../../../src/model/controller.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";
import { silentServices } from "../../support/silent-services.ts";

const namespace = "/run/netns/c1";
const engine = createMemoryEngine({ foreign: { namespaces: [namespace] }, lacking: ["nft-bridge"] });
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
