/** A thousand sandboxes that resolve at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../src/address/ip.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { setLink } from "../../../src/kernel/netlink/route/link.ts";
import { floodNames } from "../../support/names-flood.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { resolverFor } from "./support.ts";

enterTestHost();

const count = 1000;
const upstreamPort = 5353;

test(`${count} sandboxes that ask for names of theirs and others at once lose no query`, async (t) => {
  const kernel = createKernel();
  const namespaces = Array.from({ length: count }, (_, i) => `/run/names/many-${i}` as const);
  for (const namespace of namespaces) {
    kernel.createNamespace(namespace);
    kernel.send(namespace, "route", [setLink({ name: "lo" }, { up: true })]);
  }
  t.after(() => {
    for (const namespace of namespaces) kernel.dropNamespace(namespace);
    kernel.close();
  });
  const resolver = resolverFor(t);
  const upstream = resolverFor(t);
  const names = Array.from({ length: 10 }, (_, i) => [`web-${i}`, `other-${i}.test`] as const);
  for (const [i, [ours, others]] of names.entries()) {
    const common = { id: String(i), networkId: "n1", networkName: "front", addresses: [parseIp(`10.0.0.${i + 1}`)] };
    resolver.setEndpoint({ ...common, names: [ours] });
    upstream.setEndpoint({ ...common, names: [others] });
  }
  const common = { networks: ["n1"], links: {}, extraHosts: {}, nameservers: [] };
  await upstream.setSandbox({ ...common, id: "upstream", namespace: "host", port: upstreamPort });
  const nameservers = [{ address: parseIp("127.0.0.11"), port: upstreamPort, from: "host" }] as const;
  await Promise.all(
    namespaces.map((namespace) => resolver.setSandbox({ ...common, id: namespace, namespace, nameservers })),
  );
  const questions = names.flat().map((name) => [name, "A"] as const);
  const { sent, answered } = floodNames({ namespaces, questions, patience: 6000 });
  assert.equal(sent, 20 * count);
  assert.equal(answered, sent);
});
