import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesToIp } from "../../../../../src/address/ip.ts";
import { isPortolanError } from "../../../../../src/errors.ts";
import { decodeFlow, deleteFlow, type Flow, getFlows } from "../../../../../src/kernel/netlink/conntrack/flow.ts";

/** The type of answers that hold a flow: NFNL_SUBSYS_CTNETLINK and IPCTNL_MSG_CT_NEW. */
const flowType = 0x100;
const port = fc.integer({ min: 0, max: 65_535 });

const flows: fc.Arbitrary<Flow> = fc.constantFrom(4, 16).chain((length) => {
  const address = fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToIp);
  const protocol = fc.integer({ min: 0, max: 255 });
  return fc
    .record({ source: address, destination: address, protocol, sourcePort: port, destinationPort: port, address, port })
    .map(({ address, port, ...flow }) => ({ ...flow, answerer: { address, port } }));
});

/** A flow as the kernel tells it: struct nfgenmsg, CTA_TUPLE_ORIG, CTA_TUPLE_REPLY. */
function told(flow: Flow): Uint8Array {
  const { answerer, source, sourcePort } = flow;
  const answer = { ...flow, source: answerer.address, sourcePort: answerer.port };
  const { body } = deleteFlow({ ...answer, destination: source, destinationPort: sourcePort });
  const reply = Buffer.from(body.subarray(4));
  // Of the same form as the other tuple, but for the attribute's type.
  reply.writeUInt8(2, 2);
  return Buffer.concat([deleteFlow(flow).body, reply]);
}

const received = (body: Uint8Array) => ({ type: flowType, flags: 0, sequence: 1, portId: 0, body: Buffer.from(body) });

test("a flow that is written is read back the same", () => {
  fc.assert(fc.property(flows, (flow) => assert.deepEqual(decodeFlow(received(told(flow))), flow)));
});

test("whatever bytes come, a flow, nothing, or the typed error comes of them", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated()), (body) => {
      try {
        decodeFlow(received(body));
      } catch (error) {
        assert.ok(isPortolanError(error, "kernel"));
      }
    }),
    { numRuns: 2000 },
  );
});

/** A flow of which some bytes are others. */
function mutated(): fc.Arbitrary<Uint8Array> {
  const changes = fc.array(fc.tuple(fc.nat(159), fc.nat(255)), { minLength: 1, maxLength: 4 });
  return fc.tuple(flows, changes).map(([flow, places]) => {
    const body = Uint8Array.from(told(flow));
    for (const [at, value] of places) if (at < body.length) body[at] = value;
    return body;
  });
}

test("a request for flows to a port names protocol and destination port, and that these two count", () => {
  // struct nfgenmsg; CTA_TUPLE_ORIG { CTA_TUPLE_PROTO { NUM 17, DST_PORT 53 } }; CTA_FILTER { ORIG_FLAGS 0x28, REPLY_FLAGS 0 }
  const header = "02000000";
  const tuple = "18000180" + "14000280" + "0500010011000000" + "0600030000350000";
  const filter = "14001980" + "0800010028000000" + "0800020000000000";
  assert.equal(Buffer.from(getFlows(4, 17, 53).body).toString("hex"), header + tuple + filter);
});

test("a flow of somebody's own zone is none", () => {
  const [flow] = fc.sample(flows, 1);
  const body = told(flow ?? assert.fail());
  const inZone = (number: number) => Buffer.concat([body, Buffer.from([6, 0, 18, 0, 0, number, 0, 0])]);
  assert.deepEqual(decodeFlow(received(inZone(0))), flow);
  assert.equal(decodeFlow(received(inZone(3))), undefined);
});

test("messages of another type are no flows", () => {
  assert.equal(decodeFlow({ ...received(new Uint8Array(4)), type: 0x102 }), undefined);
});
