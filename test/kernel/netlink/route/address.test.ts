import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { parseInterfaceAddress } from "../../../../src/address/cidr.ts";
import { type Ipv4Address, parseIp } from "../../../../src/address/ip.ts";
import {
  addressFlag,
  createAddress,
  decodeAddress,
  deleteAddress,
  dumpAddresses,
} from "../../../../src/kernel/netlink/route/address.ts";
import { createLink } from "../../../../src/kernel/netlink/route/link.ts";
import { assertHas, dump, json, link, refusal, run, send, skipIp } from "./host.ts";

send(createLink({ name: "br0", data: { kind: "bridge" } }), createLink({ name: "br1", data: { kind: "bridge" } }));
const on = link("br0").index;
const loopback = link("lo").index;

/** All addresses but loopback's. */
const addresses = () => dump(dumpAddresses(), decodeAddress).filter((info) => info.link !== loopback);
afterEach(() => {
  for (const { link, address, peer } of addresses()) send(deleteAddress({ link, address, peer }));
});

const cases = [
  {
    name: "an IPv4 address with broadcast",
    ours: { address: parseInterfaceAddress("10.1.0.1/16"), broadcast: parseIp("10.1.255.255") as Ipv4Address },
    theirs: "10.1.0.1/16 broadcast 10.1.255.255",
  },
  {
    name: "an IPv4 address of link scope",
    ours: { address: parseInterfaceAddress("169.254.7.7/32"), scope: "link" },
    theirs: "169.254.7.7/32 scope link",
  },
  {
    name: "an IPv4 point-to-point address",
    ours: { address: parseInterfaceAddress("10.9.0.1/32"), peer: parseIp("10.9.0.2") },
    theirs: "10.9.0.1 peer 10.9.0.2",
  },
  {
    name: "an IPv6 address without duplicate address detection",
    ours: { address: parseInterfaceAddress("fd00::1/64"), flags: addressFlag.noDuplicateDetection },
    theirs: "fd00::1/64 nodad",
  },
  {
    name: "an IPv6 address without a route to its subnet",
    ours: { address: parseInterfaceAddress("fd00::2/64"), flags: addressFlag.noPrefixRoute },
    theirs: "fd00::2/64 noprefixroute",
  },
] as const;

for (const { name, ours, theirs } of cases) {
  test(`${name} is put on a link as \`ip\` does`, { skip: skipIp }, () => {
    const seen = () => ({ ours: addresses(), theirs: json("ip addr show br0")[0]?.["addr_info"] });
    send(createAddress({ link: on, ...ours }));
    const made = seen();
    const flags = ("flags" in ours ? ours.flags : 0) | addressFlag.permanent;
    // Detection waits for the link to come up: until then an address that wants it is tentative.
    const state = { flags: made.ours[0] && made.ours[0].flags & ~addressFlag.tentative };
    assertHas({ ...made.ours[0], ...state }, { link: on, ...ours, flags });
    send(deleteAddress({ link: on, ...ours }));
    assert.deepEqual(addresses(), []);
    run(`ip addr add ${theirs} dev br0`);
    assert.deepEqual(seen(), made);
  });
}

test("the protocol number stays with an address", () => {
  send(createAddress({ link: on, address: parseInterfaceAddress("10.1.0.1/16"), protocol: 112 }));
  send(createAddress({ link: on, address: parseInterfaceAddress("fd00::1/64"), protocol: 112 }));
  assert.deepEqual(
    addresses().map(({ protocol }) => protocol),
    [112, 112],
  );
});

test("a dump tells the addresses of a family or of a link alone", () => {
  const other = link("br1").index;
  send(createAddress({ link: on, address: parseInterfaceAddress("10.1.0.1/16") }));
  send(createAddress({ link: other, address: parseInterfaceAddress("10.2.0.1/16") }));
  send(createAddress({ link: other, address: parseInterfaceAddress("fd00::1/64") }));
  const told = (filter: Parameters<typeof dumpAddresses>[0]) =>
    dump(dumpAddresses(filter), decodeAddress)
      .filter((info) => info.link !== loopback)
      .map(({ address }) => address);
  assert.deepEqual(told({ family: 6 }), ["fd00::1/64"]);
  assert.deepEqual(told({ link: on }), ["10.1.0.1/16"]);
  assert.deepEqual(told({ link: other, family: 4 }), ["10.2.0.1/16"]);
});

test("an address is put on a link once, unless it replaces itself", () => {
  const address = { link: on, address: parseInterfaceAddress("10.1.0.1/16") };
  send(createAddress(address));
  assert.equal(refusal(createAddress(address)), "EEXIST");
  send(createAddress({ ...address, protocol: 112 }, "replace"));
  assert.equal(addresses()[0]?.protocol, 112);
});
