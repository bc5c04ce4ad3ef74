import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../../src/address/ip.ts";
import { bytesToMac, parseMac } from "../../../../src/address/mac.ts";
import {
  createForwarding,
  decodeForwarding,
  deleteForwarding,
  dumpForwarding,
} from "../../../../src/kernel/netlink/route/fdb.ts";
import { createLink } from "../../../../src/kernel/netlink/route/link.ts";
import {
  createNeighbour,
  decodeNeighbour,
  deleteNeighbour,
  dumpNeighbours,
  neighbourFlag,
  neighbourState,
} from "../../../../src/kernel/netlink/route/neighbour.ts";
import { assertHas, dump, json, link, refusal, run, send, skipBridge, skipIp } from "./host.ts";

send(createLink({ name: "br0", up: true, data: { kind: "bridge" } }));
const bridge = link("br0").index;
send(createLink({ name: "v0", up: true, master: bridge, data: { kind: "veth", peer: { name: "v1" } } }));
const port = link("v0").index;
const mac = parseMac("02:00:00:00:00:77");
const protocol = 112;

for (const family of [4, 6] as const) {
  const address = parseIp(family === 4 ? "10.1.0.77" : "fd00::77");

  test(`an IPv${family} neighbour is made as \`ip\` makes it`, { skip: skipIp }, () => {
    const seen = () => ({
      ours: dump(dumpNeighbours(family, { link: bridge }), decodeNeighbour).filter(
        (found) => found.address === address,
      ),
      theirs: json(`ip -${family} neigh show ${address} dev br0`),
    });
    send(createNeighbour({ link: bridge, address, mac, protocol }));
    const made = seen();
    assertHas(made.ours[0], { link: bridge, address, mac, protocol, state: neighbourState.permanent, flags: 0 });
    assert.equal(refusal(createNeighbour({ link: bridge, address, mac })), "EEXIST");
    send(deleteNeighbour({ link: bridge, address }));
    run(`ip neigh add ${address} lladdr ${mac} dev br0 nud permanent protocol 112`);
    assert.deepEqual(seen(), made);
    send(deleteNeighbour({ link: bridge, address }));
  });
}

test("a neighbour that is being asked for has no hardware address", { skip: skipIp }, () => {
  run("ip neigh add 10.1.0.78 dev br0 nud incomplete");
  const found = dump(dumpNeighbours(4), decodeNeighbour).find(({ address }) => address === "10.1.0.78");
  assertHas(found, { mac: undefined });
  // It may have gone of itself.
  run("ip neigh flush to 10.1.0.78 dev br0");
});

test("a static FDB entry of a bridge is made as `bridge` makes it", { skip: skipBridge }, () => {
  const entry = { link: port, mac, table: "master" } as const;
  const seen = () => ({
    ours: dump(dumpForwarding({ bridge }), decodeForwarding).filter((found) => found.mac === mac),
    theirs: json("bridge fdb show").filter((found) => found["mac"] === mac),
  });
  send(createForwarding(entry));
  const made = seen();
  assert.equal(made.ours.length, 1);
  assertHas(made.ours[0], { link: port, master: bridge, state: neighbourState.noArp, flags: 0 });
  send(deleteForwarding(entry));
  assert.deepEqual(seen().ours, []);
  run(`bridge fdb add ${mac} dev v0 master static`);
  assert.deepEqual(seen(), made);
  send(deleteForwarding(entry));
});

/** Why VXLAN cannot be tried; false where it can. */
function vxlanMissing(): string | false {
  if (skipBridge) return skipBridge;
  try {
    run("ip link add vx0 type vxlan id 42 dstport 4789 nolearning");
    return false;
  } catch {
    return "this kernel has no VXLAN (CONFIG_VXLAN)";
  }
}
const skipVxlan = vxlanMissing();

test("an FDB entry of a VXLAN link is made as `bridge` makes it", { skip: skipVxlan }, () => {
  const on = link("vx0").index;
  const seen = () => ({
    ours: dump(dumpForwarding({ link: on }), decodeForwarding).filter((found) => found.mac === mac),
    theirs: json("bridge fdb show dev vx0").filter((found) => found["mac"] === mac),
  });
  const remote = { destination: parseIp("192.0.2.88"), port: 4790, vni: 43 };
  send(createForwarding({ link: on, mac, table: "self", ...remote }));
  const made = seen();
  const state = neighbourState.noArp | neighbourState.permanent;
  assertHas(made.ours[0], { link: on, ...remote, state, flags: neighbourFlag.self });
  send(deleteForwarding({ link: on, mac, table: "self", ...remote }));
  assert.deepEqual(seen().ours, []);
  run(`bridge fdb add ${mac} dev vx0 dst 192.0.2.88 port 4790 vni 43 self permanent`);
  assert.deepEqual(seen(), made);
});

test("unknown destinations of a VXLAN link go to every VTEP that is appended", { skip: skipVxlan }, () => {
  const on = link("vx0").index;
  const anyone = { link: on, mac: bytesToMac(new Uint8Array(6)), table: "self" } as const;
  const destinations = () =>
    dump(dumpForwarding({ link: on }), decodeForwarding)
      .filter((found) => found.mac === anyone.mac)
      .map(({ destination }) => destination);
  send(createForwarding({ ...anyone, destination: parseIp("192.0.2.88") }, "append"));
  send(createForwarding({ ...anyone, destination: parseIp("192.0.2.89") }, "append"));
  assert.deepEqual(destinations(), ["192.0.2.88", "192.0.2.89"]);
  send(deleteForwarding({ ...anyone, destination: parseIp("192.0.2.88") }));
  assert.deepEqual(destinations(), ["192.0.2.89"]);
});
