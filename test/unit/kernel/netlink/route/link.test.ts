import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../../src/errors.ts";
import { AttributeWriter, readAttributes } from "../../../../../src/kernel/netlink/attribute.ts";
import { messageFlag } from "../../../../../src/kernel/netlink/message.ts";
import {
  type AddressGeneration,
  createLink,
  decodeLink,
  deleteLink,
  deleteLinkGroup,
  dumpLinks,
  getLink,
  type LinkChange,
  type LinkKindData,
  type NewLink,
  setLink,
} from "../../../../../src/kernel/netlink/route/link.ts";
import { decodeLinkStatistics } from "../../../../../src/kernel/netlink/route/link-statistics.ts";
import { index, linkName, mac, maybe, record, text, u16, u32 } from "./arbitraries.ts";

test("counters are read in the order of the kernel's structure, and cut ones are refused", () => {
  const counters = Buffer.alloc(200);
  for (let place = 0; place < 25; place++) counters.writeBigUInt64LE(BigInt(place + 1) << 33n, 8 * place);
  const link = (bytes: Uint8Array) => ({
    body: new AttributeWriter().raw(new Uint8Array(16)).bytes(23, bytes).finish(),
  });
  const at = (place: number): number => (place + 1) * 2 ** 33;
  assert.deepEqual(decodeLinkStatistics(link(counters)), {
    rx: { packets: at(0), bytes: at(2), errors: at(4), dropped: at(6) },
    tx: { packets: at(1), bytes: at(3), errors: at(5), dropped: at(7) },
  });
  assert.throws(() => decodeLinkStatistics(link(counters.subarray(0, 63))), { code: "kernel" });
  assert.equal(decodeLinkStatistics({ body: new Uint8Array(16) }), undefined);
});

const flag = maybe(fc.boolean());
const bridge = record<LinkKindData>({
  kind: fc.constant("bridge"),
  forwardDelay: maybe(u32),
  ageingTime: maybe(u32),
  spanningTree: flag,
  vlanFiltering: flag,
  multicastSnooping: flag,
  ipv4Filtering: flag,
  ipv6Filtering: flag,
  defaultVlan: maybe(u16),
});
const macvlan = record<LinkKindData>({
  kind: fc.constant("macvlan"),
  mode: maybe(fc.constantFrom("private", "vepa", "bridge", "passthru")),
});

const ipvlan = record<LinkKindData>({
  kind: fc.constant("ipvlan"),
  mode: maybe(fc.constantFrom("l2", "l3", "l3s")),
  flag: maybe(fc.constantFrom("bridge", "private", "vepa")),
});

const vlan = record<LinkKindData>({ kind: fc.constant("vlan"), id: maybe(fc.integer({ min: 1, max: 4094 })) });

const vrf = record<LinkKindData>({ kind: fc.constant("vrf"), table: maybe(u32) });
const dummy = record<LinkKindData>({ kind: fc.constant("dummy") });

const veth = record<LinkKindData>({
  kind: fc.constant("veth"),
  peer: maybe(
    record({
      name: linkName,
      index: maybe(index),
      mac: maybe(mac),
      mtu: maybe(u32),
      queues: maybe(u32),
      group: maybe(u32),
      namespaceDescriptor: maybe(index),
    }),
  ),
});
const settings = {
  mac: maybe(mac),
  mtu: maybe(u32),
  up: flag,
  promiscuous: flag,
  allMulticast: flag,
  transmitQueue: maybe(u32),
  master: maybe(u32),
  group: maybe(u32),
  namespaceDescriptor: maybe(index),
};
const newLink: fc.Arbitrary<NewLink> = record({
  ...settings,
  name: linkName,
  index: maybe(index),
  link: maybe(index),
  linkNamespaceId: maybe(fc.integer({ min: 0, max: 0x7fffffff })),
  data: fc.oneof(bridge, veth, macvlan, ipvlan, vlan, vrf, dummy),
});
const linkChange: fc.Arbitrary<LinkChange> = record({
  ...settings,
  alias: maybe(text),
  addressGeneration: maybe(fc.constantFrom<AddressGeneration>("eui64", "none", "stable-privacy", "random")),
  data: maybe(fc.oneof(bridge, veth, macvlan, ipvlan, vlan, vrf, dummy)),
  port: maybe(
    record({
      hairpin: flag,
      learning: flag,
      unicastFlood: flag,
      neighbourSuppression: flag,
      isolated: flag,
    }),
  ),
});

const nothing = {
  qdisc: undefined,
  link: undefined,
  linkNamespaceId: undefined,
  alias: undefined,
  addressGeneration: undefined,
  port: undefined,
  data: undefined,
};

test("a creating request reads back as the link it describes", () => {
  fc.assert(
    fc.property(newLink, (link) => {
      const {
        namespaceDescriptor: _,
        index = 0,
        up = false,
        promiscuous = false,
        allMulticast = false,
        ...told
      } = link;
      assert.deepEqual(decodeLink(createLink(link)), {
        ...nothing,
        ...told,
        index,
        up,
        promiscuous,
        allMulticast,
        flags: Number(up) + 0x100 * Number(promiscuous) + 0x200 * Number(allMulticast),
        kind: link.data.kind,
      });
    }),
  );
});

test("a change reads back as it was asked for", () => {
  fc.assert(
    fc.property(linkChange, index, (change, target) => {
      const { namespaceDescriptor: _, up = false, promiscuous = false, allMulticast = false, ...told } = change;
      assert.deepEqual(decodeLink(setLink({ index: target }, change)), {
        ...nothing,
        ...told,
        index: target,
        name: "",
        up,
        promiscuous,
        allMulticast,
        flags: Number(up) + 0x100 * Number(promiscuous) + 0x200 * Number(allMulticast),
        kind: change.data?.kind,
      });
    }),
  );
});

/** ifi_flags and ifi_change. */
const flagsAndChange = (body: Uint8Array): readonly number[] => {
  const header = Buffer.from(body);
  return [header.readUInt32LE(8), header.readUInt32LE(12)];
};

test("flags are changed only where the request says so", () => {
  assert.deepEqual(flagsAndChange(setLink({ index: 1 }, {}).body), [0, 0]);
  assert.deepEqual(flagsAndChange(setLink({ index: 1 }, { up: true }).body), [1, 1]);
  assert.deepEqual(flagsAndChange(setLink({ index: 1 }, { up: false }).body), [0, 1]);
  assert.deepEqual(flagsAndChange(setLink({ index: 1 }, { promiscuous: true, allMulticast: false }).body), [256, 768]);
});

test("a link is made in, or moved to, the namespace of a descriptor", () => {
  const created = createLink({ name: "br0", data: { kind: "bridge" }, namespaceDescriptor: 31 });
  const moved = setLink({ name: "br0" }, { namespaceDescriptor: 32 });
  const descriptorOf = (body: Uint8Array): number | undefined => readAttributes(body.subarray(16)).get(28)?.u32();
  assert.equal(descriptorOf(created.body), 31);
  assert.equal(descriptorOf(moved.body), 32);
});

test("creation excludes an existing link, and a change never creates one", () => {
  const created = createLink({ name: "br0", data: { kind: "bridge" } });
  assert.deepEqual([created.type, created.flags], [16, messageFlag.create | messageFlag.exclusive]);
  const changed = setLink({ name: "br0" }, { data: { kind: "bridge", spanningTree: true } });
  assert.deepEqual([changed.type, changed.flags], [16, 0]);
});

test("a change without kind or port data goes by RTM_SETLINK, which cannot reach a whole group", () => {
  assert.equal(setLink({ name: "br0" }, { group: 7, alias: "portolan:x", up: true }).type, 19);
});

test("a target by name is told by the name attribute, and index 0", () => {
  for (const message of [
    setLink({ name: "br0" }, { up: true }),
    getLink({ name: "br0" }),
    deleteLink({ name: "br0" }),
  ]) {
    assert.equal(decodeLink(message)?.index, 0);
    assert.equal(decodeLink(message)?.name, "br0");
  }
});

test("a link is renamed by index", () => {
  assert.equal(decodeLink(setLink({ index: 4 }, { rename: "eth0" }))?.name, "eth0");
});

test("renaming by name is refused: the message has one place for a name", () => {
  assert.throws(
    () => setLink({ name: "a" }, { rename: "b" }),
    (error) => isPortolanError(error, "invalid-argument"),
  );
});

test("a group is deleted by a message that names no link", () => {
  const message = deleteLinkGroup(0x706f7264);
  assert.equal(message.type, 17);
  const link = decodeLink(message);
  assert.deepEqual([link?.index, link?.name, link?.group], [0, "", 0x706f7264]);
});

test("a dump filters by kind and by master", () => {
  const link = decodeLink(dumpLinks({ kind: "bridge", master: 3 }));
  assert.deepEqual([link?.kind, link?.master], ["bridge", 3]);
});

test("kinds without a codec keep their name, and no data", () => {
  for (const kind of ["vxlan", "constructor", "__proto__"]) {
    const link = decodeLink(dumpLinks({ kind }));
    assert.deepEqual([link?.kind, link?.data], [kind, undefined]);
  }
});

test("link messages of AF_BRIDGE are no links: a port leaving its bridge is not a link going away", () => {
  const body = Uint8Array.from(deleteLink({ index: 4 }).body);
  body[0] = 7;
  assert.equal(decodeLink({ body }), undefined);
});

test("a hardware address of another length than Ethernet's is left out", () => {
  const body = Buffer.concat([new Uint8Array(16), Buffer.from([8, 0, 1, 0, 10, 0, 0, 1])]);
  assert.equal(decodeLink({ body })?.mac, undefined);
});
