import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { parseMac } from "../../../../src/address/mac.ts";
import {
  createLink,
  decodeLink,
  deleteLink,
  deleteLinkGroup,
  dumpLinks,
  setLink,
} from "../../../../src/kernel/netlink/route/link.ts";
import { decodeNamespaceId, getNamespaceId } from "../../../../src/kernel/netlink/route/namespace-id.ts";
import { departingLinkGroup, ownLinkGroup } from "../../../../src/kernel/netlink/route/ownership.ts";
import { assertHas, dump, json, kernel, link, refusal, run, send, skipIp } from "./host.ts";

const other = "/run/netns/other";
kernel.createNamespace(other);
const mac = parseMac("02:00:00:00:00:01");
const peerMac = parseMac("02:00:00:00:00:02");
const bridge = { kind: "bridge" } as const;

/** Removes every link but loopback. */
beforeEach(() => {
  for (const { index, name } of dump(dumpLinks(), decodeLink)) {
    if (name !== "lo") kernel.send("host", "route", [deleteLink({ index })]);
  }
});

test("a bridge is made as `ip` makes it", { skip: skipIp }, () => {
  const data = {
    kind: "bridge",
    spanningTree: true,
    forwardDelay: 700,
    ageingTime: 9000,
    multicastSnooping: false,
    ipv4Filtering: true,
    ipv6Filtering: false,
  } as const;
  const seen = () => {
    const { index: _, ...ours } = link("br0");
    const [{ linkinfo, address, group, flags } = {}] = json("ip link show br0");
    return { ours, theirs: { linkinfo: settled(linkinfo), address, group, flags } };
  };
  send(createLink({ name: "br0", mac, group: ownLinkGroup, up: true, data }));
  const made = seen();
  assertHas(made.ours, { kind: "bridge", mac, group: ownLinkGroup, up: true, mtu: 1500 });
  assertHas(made.ours.data, data);
  send(deleteLink({ name: "br0" }));
  const options = "stp_state 1 forward_delay 700 ageing_time 9000 mcast_snooping 0 nf_call_iptables 1";
  run(`ip link add name br0 address ${mac} group ${ownLinkGroup} up type bridge ${options}`);
  assert.deepEqual(seen(), made);
});

/** The bridge's data as `ip` tells them, without running timers. */
function settled(linkinfo: unknown): unknown {
  return JSON.parse(JSON.stringify(linkinfo, (key, value) => (key.endsWith("_timer") ? undefined : value)));
}

test("a veth pair's peer is born in its namespace with its final name, down", { skip: skipIp }, () => {
  const namespaceDescriptor = kernel.namespaceDescriptor(other);
  const seen = () => {
    const near = link("v0");
    const far = link("eth0", other);
    assert.deepEqual([near.link, far.link], [far.index, near.index]);
    const [{ address, mtu, group, linkinfo, flags } = {}] = json("ip link show v0");
    const nearWithoutIndex = { ...near, index: 0, link: 0 };
    const farWithoutIndex = { ...far, index: 0, link: 0 };
    return { near: nearWithoutIndex, far: farWithoutIndex, theirs: { address, mtu, group, linkinfo, flags } };
  };
  const peer = { name: "eth0", mac: peerMac, mtu: 1400, namespaceDescriptor };
  send(createLink({ name: "v0", mac, mtu: 1400, group: ownLinkGroup, data: { kind: "veth", peer } }));
  const made = seen();
  assertHas(made.near, { name: "v0", kind: "veth", mac, mtu: 1400, group: ownLinkGroup, up: false });
  assertHas(made.far, { name: "eth0", kind: "veth", mac: peerMac, mtu: 1400, group: 0, up: false });

  const [answer] = kernel.get("host", "route", getNamespaceId(namespaceDescriptor));
  assert.equal(made.near.linkNamespaceId, answer && decodeNamespaceId(answer));

  send(deleteLink({ name: "v0" }));
  const near = `name v0 address ${mac} mtu 1400 group ${ownLinkGroup}`;
  run(`ip link add ${near} type veth peer name eth0 address ${peerMac} mtu 1400 netns other`);
  assert.deepEqual(seen(), made);
});

test("one message sets all that a link can have later", { skip: skipIp }, () => {
  send(createLink({ name: "br0", data: bridge }));
  const master = link("br0").index;
  send(createLink({ name: "v0", master, data: { kind: "veth", peer: { name: "v1" } } }));
  const change = { mac, mtu: 1300, up: true, group: 7, alias: "portolan:test ä", addressGeneration: "none" } as const;
  const port = { hairpin: true, isolated: true, learning: false, unicastFlood: false, neighbourSuppression: true };
  send(setLink({ name: "v0" }, { ...change, port }));

  assertHas(link("v0"), { ...change, master, port });
  const [theirs] = json("ip link show v0");
  assertHas(theirs, { address: mac, mtu: 1300, group: "7", ifalias: change.alias, master: "br0" });
  assert.equal(theirs?.["inet6_addr_gen_mode"], "none");
  const told = Object(theirs?.["linkinfo"]).info_slave_data;
  assertHas(told, { hairpin: true, isolated: true, learning: false, flood: false, neigh_suppress: true });
});

test("what `ip` sets on a link is decoded", { skip: skipIp }, () => {
  run("ip link add br0 type bridge");
  run("ip link add v0 type veth peer name v1");
  run("ip link set v0 master br0 mtu 1280 alias hello group 9 addrgenmode none up");
  run("ip link set v0 type bridge_slave hairpin on isolated on learning off");
  const v0 = link("v0");
  const master = link("br0").index;
  assertHas(v0, { master, mtu: 1280, alias: "hello", group: 9, addressGeneration: "none", up: true, kind: "veth" });
  assertHas(v0.port, { hairpin: true, isolated: true, learning: false, unicastFlood: true });
  assert.equal(v0.link, link("v1").index);
  assert.equal(link("br0").port, undefined);
});

test("a link is renamed by its index, and let go by its master", () => {
  send(createLink({ name: "br0", data: bridge }), createLink({ name: "v0", data: { kind: "veth" } }));
  send(setLink({ name: "v0" }, { master: link("br0").index }));
  send(setLink({ index: link("v0").index }, { rename: "v9", master: 0, up: true }));
  assertHas(link("v9"), { master: undefined, up: true });
});

test("a link moves to the namespace of a descriptor", () => {
  send(createLink({ name: "v0", data: { kind: "veth" } }));
  send(setLink({ name: "v0" }, { namespaceDescriptor: kernel.namespaceDescriptor(other) }));
  assert.equal(link("v0", other).kind, "veth");
});

test("a dump tells the links of a kind, or the ports of a master, alone", () => {
  send(createLink({ name: "br0", data: bridge }), createLink({ name: "br1", data: bridge }));
  send(createLink({ name: "v0", master: link("br0").index, data: { kind: "veth", peer: { name: "v1" } } }));
  const names = (request = dumpLinks()) => dump(request, decodeLink).map(({ name }) => name);
  assert.deepEqual(names(dumpLinks({ kind: "bridge" })), ["br0", "br1"]);
  assert.deepEqual(names(dumpLinks({ master: link("br0").index })), ["v0"]);
  assert.deepEqual(names().toSorted(), ["br0", "br1", "lo", "v0", "v1"]);
});

test("all links of a group go in one message, the others stay", () => {
  send(createLink({ name: "br0", group: ownLinkGroup, data: bridge }), createLink({ name: "br1", data: bridge }));
  send(createLink({ name: "v0", group: ownLinkGroup, data: { kind: "veth", peer: { name: "v1" } } }));
  const toDeparting = { group: departingLinkGroup };
  send(setLink({ name: "br0" }, toDeparting), setLink({ name: "v0" }, toDeparting));
  send(deleteLinkGroup(departingLinkGroup));
  assert.deepEqual(
    dump(dumpLinks(), decodeLink).map(({ name }) => name),
    ["lo", "br1"],
  );
  assert.equal(refusal(deleteLinkGroup(departingLinkGroup)), "ENODEV");
});

test("a change of a link that is not there is refused, and changes no group", () => {
  send(createLink({ name: "br0", group: 7, data: bridge }));
  assert.equal(refusal(setLink({ name: "nothing" }, { group: 7, up: true })), "ENODEV");
  assert.equal(refusal(setLink({ name: "nothing" }, { group: 7, up: true, port: { hairpin: true } })), "ENODEV");
  assert.equal(link("br0").up, false);
});

test("creation is refused where the name is taken", () => {
  send(createLink({ name: "br0", data: bridge }));
  assert.equal(refusal(createLink({ name: "br0", data: bridge })), "EEXIST");
});

test("a bridge keeps an MTU that is set, not one it was made with", () => {
  send(createLink({ name: "made", mtu: 1400, data: bridge }), createLink({ name: "set", data: bridge }));
  send(setLink({ name: "set" }, { mtu: 1400 }));
  for (const name of ["made", "set"]) {
    send(createLink({ name: `${name}0`, master: link(name).index, data: { kind: "veth" } }));
  }
  assert.deepEqual([link("made").mtu, link("set").mtu], [1500, 1400]);
});
