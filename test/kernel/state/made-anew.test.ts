/** What has to be removed and made anew brings back all that stands on it, in one plan. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parseInterfaceAddress, parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { describeNetworkFirewall } from "../../../src/firewall/network.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, NftSet, VethLink } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import type { Plan } from "../../../src/state/plan-types.ts";
import { enterTestHost, snapshot } from "../../support/test-host.ts";

enterTestHost();
const engine = createEngine(createKernel());
after(() => engine.close());

/** Brings the kernel from `before` to `desired` in one go, back by the inverse plan, and to nothing. */
async function bring(before: readonly KernelObject[], desired: readonly KernelObject[]): Promise<Plan> {
  const empty = snapshot();
  await engine.apply(plan(before, []));
  const changes = plan(desired, await engine.observe(desired));
  await engine.apply(changes);
  assert.deepEqual(plan(desired, await engine.observe(desired)), []);
  await engine.apply(inversePlan(changes));
  assert.deepEqual(plan(before, await engine.observe(before)), []);
  await engine.apply(plan([], await engine.observe(before)));
  await engine.settle();
  assert.deepEqual(snapshot(), empty);
  return changes;
}

const firewall = describeNetworkFirewall({
  bridge: "br-one",
  internal: false,
  among: "freely",
  trusted: [],
  subnets: [
    { subnet: parseSubnet("10.9.0.0/24"), mode: "nat", source: "masquerade" },
    { subnet: parseSubnet("fd00:9::/64"), mode: "nat", source: "masquerade" },
  ],
});

test("chains of another priority and sets of another type are made anew with their rules and elements", async () => {
  const earlier = firewall.map((object): KernelObject => {
    if (object.kind === "nft-chain" && object.base !== undefined)
      return { ...object, base: { ...object.base, priority: object.base.priority + 5 } };
    return object;
  });
  const changes = await bring(earlier, firewall);
  assert.ok(changes.some(({ object }) => object.kind === "nft-rule"));
  const plain = (object: KernelObject): object is NftSet => object.kind === "nft-set" && object.name === "bridges";
  const other = firewall
    .filter((object) => !(object.kind === "nft-element" && object.set === "bridges"))
    .map((object): KernelObject => (plain(object) ? { ...object, interval: true } : object));
  await bring(other, firewall);
});

test("a veth whose other end has another MAC is made anew with addresses and routes", async () => {
  const path = "/run/portolan/netns/one";
  const veth: VethLink = {
    kind: "link",
    namespace: "host",
    type: "veth",
    name: "veth1",
    up: true,
    addressGeneration: "none",
    peer: { namespace: path, name: "eth0", mac: parseMac("02:00:00:00:00:02"), up: true, addressGeneration: "none" },
  };
  const rest: readonly KernelObject[] = [
    { kind: "namespace", path },
    { kind: "sysctl", namespace: path, name: "net/ipv6/conf/eth0/accept_ra", value: "0" },
    { kind: "address", namespace: path, link: "eth0", address: parseInterfaceAddress("10.9.0.2/24") },
    {
      kind: "address",
      namespace: path,
      link: "eth0",
      address: parseInterfaceAddress("fd00:9::2/64"),
      noDuplicateDetection: true,
    },
    { kind: "route", namespace: path, family: 4, destination: "default", gateway: parseIp("10.9.0.1"), link: "eth0" },
    { kind: "route", namespace: path, family: 6, destination: "default", gateway: parseIp("fd00:9::1"), link: "eth0" },
    {
      kind: "neighbour",
      namespace: path,
      link: "eth0",
      address: parseIp("10.9.0.9"),
      mac: parseMac("02:00:00:00:00:09"),
    },
  ];
  const other: VethLink = { ...veth, peer: { ...veth.peer, mac: parseMac("02:00:00:00:00:03") } };
  await bring([...rest, other], [...rest, veth]);
});

test("an address that is exchanged leaves the routes of its link in place", async () => {
  const path = "/run/portolan/netns/one";
  const rest: readonly KernelObject[] = [
    { kind: "namespace", path },
    {
      kind: "link",
      namespace: path,
      type: "bridge",
      name: "br0",
      up: true,
      addressGeneration: "none",
    },
    { kind: "route", namespace: path, family: 4, destination: "default", gateway: parseIp("10.9.0.1"), link: "br0" },
  ];
  const address = (text: string): KernelObject => ({
    kind: "address",
    namespace: path,
    link: "br0",
    address: parseInterfaceAddress(text),
  });
  await bring([...rest, address("10.9.0.2/24")], [...rest, address("10.9.0.3/24")]);
});
