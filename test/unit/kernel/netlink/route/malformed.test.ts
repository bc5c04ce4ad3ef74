/** Whatever bytes arrive, the decoders answer with a value or with the one typed error, and come to an end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInterfaceAddress, parseSubnet } from "../../../../../src/address/cidr.ts";
import { parseIp } from "../../../../../src/address/ip.ts";
import { parseMac } from "../../../../../src/address/mac.ts";
import { isPortolanError } from "../../../../../src/errors.ts";
import { createAddress, decodeAddress } from "../../../../../src/kernel/netlink/route/address.ts";
import { decodeBridgeVlans, setBridgeVlan } from "../../../../../src/kernel/netlink/route/bridge-vlan.ts";
import { createForwarding, decodeForwarding } from "../../../../../src/kernel/netlink/route/fdb.ts";
import { createLink, decodeLink, setLink } from "../../../../../src/kernel/netlink/route/link.ts";
import { decodeNamespaceId, getNamespaceId } from "../../../../../src/kernel/netlink/route/namespace-id.ts";
import { createNeighbour, decodeNeighbour } from "../../../../../src/kernel/netlink/route/neighbour.ts";
import { createTokenBucket, decodeQueue } from "../../../../../src/kernel/netlink/route/qdisc.ts";
import { createRoute, decodeRoute } from "../../../../../src/kernel/netlink/route/route.ts";
import type { MessageBody } from "../../../../../src/kernel/netlink/route/rtnetlink.ts";
import { createRule, decodeRule } from "../../../../../src/kernel/netlink/route/rule.ts";

const mac = parseMac("02:00:00:00:00:07");
const v4 = parseIp("192.0.2.1");
const v6 = parseIp("2001:db8::1");
const destination = parseSubnet("198.51.100.0/24");
const peer = { name: "eth0", mac, mtu: 1400, group: 4, namespaceDescriptor: 5 };
const port = { hairpin: true, isolated: true };

/** Each decoder with well-formed messages, as starting points for mutation. */
const cases: readonly {
  readonly name: string;
  readonly decode: (message: MessageBody) => unknown;
  readonly bodies: readonly Uint8Array[];
}[] = [
  {
    name: "link",
    decode: decodeLink,
    bodies: [
      createLink({ name: "v0", mac, data: { kind: "veth", peer } }).body,
      createLink({ name: "br0", data: { kind: "bridge", spanningTree: true, vlanFiltering: true, defaultVlan: 1 } })
        .body,
      setLink({ index: 4 }, { alias: "portolan:x", addressGeneration: "none", port }).body,
    ],
  },
  {
    name: "address",
    decode: decodeAddress,
    bodies: [
      createAddress({ link: 1, address: parseInterfaceAddress("192.0.2.7/24"), peer: v4, flags: 2, protocol: 112 })
        .body,
      createAddress({ link: 1, address: parseInterfaceAddress("2001:db8::7/64") }).body,
    ],
  },
  {
    name: "route",
    decode: decodeRoute,
    bodies: [
      createRoute({ family: 4, destination, gateway: v6, link: 3, source: v4, table: 1000, metrics: { mtu: 1300 } })
        .body,
      createRoute({
        family: 4,
        destination,
        nextHops: [{ gateway: v4, link: 2 }, { gateway: v6, weight: 7 }, { link: 3 }],
      }).body,
      createRoute({ family: 6, destination: parseSubnet("2001:db8::/32"), gateway: v6, metric: 5 }).body,
    ],
  },
  { name: "neighbour", decode: decodeNeighbour, bodies: [createNeighbour({ link: 1, address: v6, mac }).body] },
  {
    name: "FDB entry",
    decode: decodeForwarding,
    bodies: [createForwarding({ link: 1, mac, table: "self", destination: v4, vlan: 1, port: 4789, vni: 9 }).body],
  },
  {
    name: "bridge VLAN",
    decode: decodeBridgeVlans,
    bodies: [setBridgeVlan({ link: 1, id: 10, untagged: true, pvid: false }).body],
  },
  {
    name: "rule",
    decode: decodeRule,
    bodies: [
      createRule({
        family: 4,
        priority: 9,
        table: 1000,
        from: destination,
        inputLink: "eth0",
        mark: { value: 1, mask: 3 },
      }).body,
    ],
  },
  {
    name: "queueing discipline",
    decode: decodeQueue,
    bodies: [createTokenBucket({ link: 1, handle: 2 }, { rate: 2 ** 33, burst: 2000, latency: 9 }).body],
  },
  { name: "namespace id", decode: decodeNamespaceId, bodies: [getNamespaceId(3).body] },
];

/** How much of a message is kept: mostly all of it. */
const maybeCut = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }));

/** Runs a decoder; only the typed error for malformed netlink may come out of it. */
function survives(decode: (message: MessageBody) => unknown, body: Uint8Array): void {
  try {
    decode({ body });
  } catch (error) {
    assert.ok(isPortolanError(error, "kernel"), `${error}`);
  }
}

for (const { name, decode, bodies } of cases) {
  test(`the ${name} decoder survives random bytes`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => survives(decode, body)),
      { numRuns: 300 },
    );
  });

  test(`the ${name} decoder survives mutated messages`, () => {
    const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        maybeCut,
        (body, mutations, keep) => {
          const mutated = Uint8Array.from(body);
          for (const { at, value } of mutations) mutated[at % mutated.length] = value;
          survives(decode, mutated.subarray(0, Math.ceil(mutated.length * keep)));
        },
      ),
      { numRuns: 300 },
    );
  });

  test(`the ${name} decoder survives every truncation and every byte turned to 0 and 255`, () => {
    for (const body of bodies) {
      for (let at = 0; at < body.length; at++) {
        survives(decode, body.subarray(0, at));
        for (const value of [0, 255])
          survives(
            decode,
            Uint8Array.from(body, (byte, i) => (i === at ? value : byte)),
          );
      }
    }
  });
}
