import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readAttributes } from "../../../../../src/kernel/netlink/attribute.ts";
import {
  type BridgeVlanInfo,
  decodeBridgeVlans,
  deleteBridgeVlan,
  dumpBridgeVlans,
  setBridgeVlan,
} from "../../../../../src/kernel/netlink/route/bridge-vlan.ts";
import { getLink } from "../../../../../src/kernel/netlink/route/link.ts";
import { index, record } from "./arbitraries.ts";

const vlan = record<BridgeVlanInfo>({
  id: fc.integer({ min: 1, max: 4094 }),
  untagged: fc.boolean(),
  pvid: fc.boolean(),
});

test("a membership reads back as it was asked for, whether it begins or ends", () => {
  fc.assert(
    fc.property(index, vlan, fc.boolean(), (link, asked, self) => {
      for (const [message, type] of [
        [setBridgeVlan({ link, self, ...asked }), 19],
        [deleteBridgeVlan({ link, self, ...asked }), 17],
      ] as const) {
        assert.equal(message.type, type);
        assert.deepEqual(decodeBridgeVlans(message), { link, vlans: [asked] });
        const bridge = readAttributes(message.body.subarray(16)).get(26)?.nested();
        assert.equal(bridge?.get(0)?.u16(), self ? 2 : 1);
      }
    }),
  );
});

test("a link without VLANs has none, and what is no message of a bridge is passed over", () => {
  assert.deepEqual(decodeBridgeVlans(dumpBridgeVlans()), { link: 0, vlans: [] });
  assert.equal(decodeBridgeVlans(getLink({ index: 3 })), undefined);
});
