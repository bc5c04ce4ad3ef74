/**
 * A host with machines around it, for tests of who reaches whom: `outside`, a neighbour that has routes to all container addresses, and `office`, another one
 * behind an interface of its own. Networks have the subnets 10.N.0.0/24 and fd00:N::/64.
 */
import assert from "node:assert/strict";
import { addressOf } from "../../../../src/address/cidr.ts";
import { type ControllerOptions, createController } from "../../../../src/model/controller.ts";
import type { NetworkController, NetworkSpec } from "../../../../src/model/types.ts";
import { type Peer, startPeer } from "../../../support/peers.ts";
import { run, snapshot } from "../../../support/test-host.ts";
import { removeAll } from "../../model/support.ts";

export const families = [4, 6] as const;
export type Family = (typeof families)[number];
export const protocols = ["tcp", "udp"] as const;

/** Addresses of the machines, of the host towards them, and another one that the host has. */
export const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
export const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
export const second = { 4: "192.0.2.9", 6: "2001:db8::9" } as const;
export const office = { 4: "198.51.100.2", 6: "2001:db8:1::2" } as const;
const towardsOffice = { 4: "198.51.100.1", 6: "2001:db8:1::1" } as const;

const option = (name: string): string => `com.docker.network.bridge.${name}`;
/** Keys of options of bridge networks. */
export const key = {
  icc: option("enable_icc"),
  mode4: option("gateway_mode_ipv4"),
  mode6: option("gateway_mode_ipv6"),
  trusted: option("trusted_host_interfaces"),
  binding: option("host_binding_ipv4"),
  inhibit: option("inhibit_ipv4"),
  masquerade: option("enable_ip_masquerade"),
  name: option("name"),
  source4: "com.docker.network.host_ipv4",
  source6: "com.docker.network.host_ipv6",
} as const;

/** The other address is never chosen where nobody asks for it. */
const unloved = (address: string): string =>
  address.startsWith(second[6]) || address.startsWith(second[4]) ? " preferred_lft 0" : "";

function machine(name: string, link: string, own: Record<Family, string>, hosts: readonly string[]): void {
  run(`ip netns add ${name}`);
  run(`ip link add ${link} type veth peer name eth0 netns ${name}`);
  const add = (side: string, device: string, address: string): string =>
    run(`${side} address add ${address} dev ${device}${address.includes(":") ? " nodad" : ""}${unloved(address)}`);
  run(`ip link set ${link} up`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} link set lo up`);
  for (const address of hosts) add("ip", link, `${address}/${address.includes(":") ? 64 : 24}`);
  for (const family of families) {
    const [gateway] = hosts.filter((address) => address.includes(":") === (family === 6));
    add(`ip -n ${name}`, "eth0", `${own[family]}/${family === 6 ? 64 : 24}`);
    run(`ip -n ${name} route add default via ${gateway}`);
  }
}

export interface Ground {
  readonly controller: NetworkController;
  /** Asks the engine to be another one, with the same state. */
  restart(options?: ControllerOptions): Promise<void>;
  /** Makes a network with subnets of number `n`. */
  network(n: number, spec: Partial<NetworkSpec> & { readonly name: string }): Promise<void>;
  /** Makes a sandbox in a network, with a peer that answers on ports 80 and 81. */
  sandbox(name: string, network: string, ...publish: readonly string[]): Promise<Peer>;
  /** The peer of a machine or a sandbox. */
  peer(name: string): Peer;
  /** A sandbox's address in its first network. */
  address(name: string, family: Family): string;
  /** Takes everything away; throws where the host is not as it was before the first network. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a network of number `n` has where nothing else is said: both families. */
function specOf(n: number, spec: Partial<NetworkSpec> & { readonly name: string }): NetworkSpec {
  const { enableIpv4 = true, enableIpv6 = true } = spec;
  const pools = [
    ...(enableIpv4 ? [{ subnet: `10.${n}.0.0/24` }] : []),
    ...(enableIpv6 ? [{ subnet: `fd00:${n}::/64` }] : []),
  ];
  return { enableIpv6, ipam: { pools }, ...spec };
}

/** The address of a network's gateway. */
export const gatewayOf = (n: number, family: Family): string => (family === 4 ? `10.${n}.0.1` : `fd00:${n}::1`);

/** Makes the ground; machines answer on port 80. */
export async function makeGround(given: ControllerOptions = {}): Promise<Ground> {
  machine("outside", "out0", outside, [host[4], second[4], host[6], second[6]]);
  machine("office", "office0", office, [towardsOffice[4], towardsOffice[6]]);
  const bare = snapshot();
  const options: ControllerOptions = { runDir: "/run/portolan", ...given };
  let controller = await createController(options);
  const peers = new Map([
    ["host", startPeer("host", "host")],
    ["outside", startPeer("outside", "/run/netns/outside")],
    ["office", startPeer("office", "/run/netns/office")],
  ]);
  const peer = (name: string): Peer => peers.get(name) ?? assert.fail(`there is no ${name}`);
  for (const name of ["outside", "office"]) await peer(name).serve(80);
  return {
    get controller() {
      return controller;
    },
    async restart(other = options) {
      await controller.close();
      controller = await createController(other);
    },
    async network(n, spec) {
      await controller.createNetwork(specOf(n, spec));
    },
    async sandbox(name, network, ...publish) {
      const sandbox = await controller.createSandbox({ name });
      await controller.connect(controller.network(network), sandbox, { publish });
      const made = startPeer(name, sandbox.info().namespace);
      peers.set(name, made);
      await made.serve(80, 81);
      return made;
    },
    peer,
    address(name, family) {
      const [endpoint] = controller.sandbox(name).info().endpoints;
      const cidr = family === 4 ? endpoint?.ipv4 : endpoint?.ipv6;
      return addressOf(cidr ?? assert.fail(`${name} has no IPv${family}`));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...peers.values()].map((one) => one.stop()));
      await removeAll(controller);
      await controller.close();
      assert.deepEqual(snapshot(), bare, "nothing is left");
    },
  };
}
