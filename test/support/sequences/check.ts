/** What must hold after every command: the controller says what the reference says, nothing is given twice, and nothing is there that nobody asked for. */
import assert from "node:assert/strict";
import { addressOf, contains } from "../../../src/address/cidr.ts";
import type { EndpointInfo, NetworkController, NetworkInfo } from "../../../src/model/types.ts";
import type { StoreState } from "../../../src/store/store.ts";
import { destination, type SandboxName } from "./commands.ts";
import type { Reference } from "./reference.ts";

const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted();

/** Compares what the controller tells with the reference. */
export function checkTold(controller: NetworkController, reference: Reference): void {
  const networks = controller.networks();
  assert.deepEqual(sorted(networks.map(({ name }) => name)), sorted([...reference.networks.keys(), "host"]));
  for (const network of networks) if (network.name !== "host") checkNetwork(network, reference);
  const sandboxes = controller.sandboxes();
  assert.deepEqual(sorted(sandboxes.map(({ name }) => name)), sorted(reference.sandboxes.keys()));
  for (const { name, endpoints, gateway } of sandboxes) {
    // Only names of the reference's own come here.
    const sandbox = name as SandboxName;
    const expected = reference.in(sandbox).map((one) => `${one.network} ${one.name}`);
    assert.deepEqual(sorted(endpoints.map((one) => `${one.network.name} ${one.name}`)), sorted(expected));
    assert.deepEqual(
      endpoints.flatMap(({ routes, network }) => routes.map((route) => `${route.destination} by ${network.name}`)),
      reference
        .in(sandbox)
        .flatMap(({ network, sandbox: place }) => (place?.routed ? [`${destination} by ${network}`] : [])),
      `static routes of ${sandbox}`,
    );
    for (const [family, id] of [[4, gateway.ipv4] as const, [6, gateway.ipv6] as const]) {
      const network = endpoints.find((one) => one.id === id)?.network.name;
      assert.equal(network, reference.gateway(sandbox, family), `IPv${family} gateway of ${sandbox}`);
    }
    unique(
      endpoints.flatMap(({ interfaceName }) => interfaceName ?? []),
      `interface names in ${name}`,
    );
  }
  const ids = [...networks, ...sandboxes, ...controller.endpoints()].map(({ id }) => id);
  unique(ids, "ids");
}

function checkNetwork(info: NetworkInfo, reference: Reference): void {
  const { endpoints, ipam } = info;
  const there = [...reference.networks].find(([name]) => name === info.name);
  assert.ok(there);
  const [name, { shape }] = there;
  assert.deepEqual(sorted(endpoints.map((one) => one.name)), sorted(reference.of(name).map((one) => one.name)));
  if (info.driver !== "bridge") return;
  assert.equal(info.internal, shape.internal);
  assert.equal(ipam.pools.length, shape.enableIpv6 ? 2 : 1);
  for (const family of ["ipv4", "ipv6"] as const) {
    const addresses = endpoints.flatMap((one) => one[family] ?? []).map(addressOf);
    const gateways = ipam.pools.flatMap(({ gateway }) => gateway ?? []);
    unique([...addresses, ...gateways], `${family} addresses in ${name}`);
    assert.equal(addresses.length, family === "ipv4" || shape.enableIpv6 ? endpoints.length : 0);
    for (const address of addresses) assert.ok(ipam.pools.some(({ subnet }) => contains(subnet, address)));
  }
  unique(
    endpoints.flatMap(({ mac }) => mac ?? []),
    `MAC addresses in ${name}`,
  );
}

function unique(values: readonly string[], what: string): void {
  assert.equal(new Set(values).size, values.length, `${what}: ${values.join(", ")}`);
}

/** Compares what the store holds with what the controller tells: no record too many, none missing. */
export function checkStored(controller: NetworkController, state: StoreState): void {
  const networks = controller.networks();
  const endpoints = controller.endpoints();
  const ids = (records: readonly { readonly id: string }[]): readonly string[] => sorted(records.map(({ id }) => id));
  assert.deepEqual(ids(state.network), ids(networks));
  assert.deepEqual(ids(state.endpoint), ids(endpoints));
  assert.deepEqual(ids(state.sandbox), ids(controller.sandboxes()));
  assert.deepEqual(state.intent, [], "no operation is under way");
  const pools = networks.flatMap(({ ipam }) => ipam.pools);
  assert.deepEqual(sorted(state.pool.map(({ subnet }) => subnet)), sorted(pools.map(({ subnet }) => subnet)));
  const given = [...pools.flatMap(({ gateway }) => gateway ?? []), ...endpoints.flatMap(addressesOf)];
  assert.deepEqual(sorted(state.address.map(({ address }) => address)), sorted(given));
}

const addressesOf = ({ ipv4, ipv6 }: EndpointInfo): readonly string[] =>
  [ipv4, ipv6].flatMap((cidr) => (cidr === undefined ? [] : addressOf(cidr)));
