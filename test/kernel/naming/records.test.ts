/** What a sandbox's resolver answers of its own, by both transports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../src/address/ip.ts";
import type { NamedEndpoint, NamedSandbox } from "../../../src/naming/resolver.ts";
import { ask, told } from "../../support/dns-client.ts";
import { enterTestHost } from "../../support/test-host.ts";
import { namespaceFor, resolverFor, sandboxIn } from "./support.ts";

enterTestHost();

const endpoint = (name: string, more: Partial<NamedEndpoint> = {}): NamedEndpoint => ({
  id: name,
  networkId: "n1",
  networkName: "front",
  names: [name, "www"],
  addresses: [parseIp("10.0.0.2")],
  ...more,
});

const sandbox = (namespace: NamedSandbox["namespace"], more: Partial<NamedSandbox> = {}): NamedSandbox =>
  sandboxIn(namespace, { networks: ["n1", "n2"], ...more });

test("names, aliases, network names and reverse names answer by both transports", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(endpoint("web", { addresses: [parseIp("10.0.0.2"), parseIp("fd00::2")] }));
  resolver.setEndpoint(
    endpoint("db", { id: "db2", networkId: "n2", networkName: "back", addresses: [parseIp("10.1.0.2")] }),
  );
  await resolver.setSandbox(sandbox(namespace));
  for (const transport of ["udp", "tcp"] as const) {
    const place = { namespace, transport };
    assert.equal(told(await ask("web", "A", place)), "NOERROR 10.0.0.2");
    assert.equal(told(await ask("WEB", "AAAA", place)), "NOERROR fd00::2");
    assert.equal(told(await ask("web.front", "A", place)), "NOERROR 10.0.0.2");
    assert.equal(told(await ask("www", "A", place)), "NOERROR 10.0.0.2");
    assert.equal(told(await ask("www.back", "A", place)), "NOERROR 10.1.0.2");
    assert.equal(told(await ask("db", "AAAA", place)), "NOERROR");
    assert.equal(told(await ask("db", "MX", place)), "NOERROR");
    assert.equal(told(await ask("2.0.0.10.in-addr.arpa", "PTR", place)), "NOERROR web.front");
    assert.equal(told(await ask("nobody", "A", place)), "SERVFAIL");
  }
});
