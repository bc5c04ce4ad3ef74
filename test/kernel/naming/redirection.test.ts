/** Port 53 of a sandbox: it is asked there, and yet leaves it to DNS servers of the sandbox's own. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseIp } from "../../../src/address/ip.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { ask, told } from "../../support/dns-client.ts";
import { addressRecord, answerTo, startNameserver } from "../../support/nameserver.ts";
import { enterTestHost, exec } from "../../support/test-host.ts";
import { namespaceFor, resolverFor, sandboxIn } from "./support.ts";

enterTestHost();

const web = { id: "web", networkId: "n1", networkName: "front", names: ["web"], addresses: [parseIp("10.0.0.2")] };

const nft = (namespace: string, ...command: readonly string[]): string =>
  exec("nsenter", `--net=${namespace}`, "nft", ...command);

test("a DNS server in the sandbox listens at all its addresses, and both are asked", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  startNameserver(t, {
    namespace,
    address: [0, 0, 0, 0],
    answer: (asked) => [answerTo(asked, [addressRecord(asked, "192.0.2.7")])],
  });
  for (const transport of ["udp", "tcp"] as const) {
    assert.equal(told(await ask("web", "A", { namespace, transport })), "NOERROR 10.0.0.2");
    const theirs = { namespace, transport, address: [127, 0, 0, 1] } as const;
    assert.equal(told(await ask("web", "A", theirs)), "NOERROR 192.0.2.7");
  }
});

test("what leads there is what nft says, and goes with the sandbox", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  await resolver.setSandbox(sandboxIn(namespace));
  const listed = nft(namespace, "list", "ruleset");
  const [, udp, tcp] = /udp dport set (\d+).*tcp dport set (\d+)/s.exec(listed) ?? [];
  const rules = [
    'oif != "lo" accept',
    `ip daddr 127.0.0.11 udp dport 53 notrack udp dport set ${udp}`,
    `ip saddr 127.0.0.11 udp sport ${udp} notrack udp sport set 53`,
    `ip daddr 127.0.0.11 tcp dport 53 notrack tcp dport set ${tcp}`,
    `ip saddr 127.0.0.11 tcp sport ${tcp} notrack tcp sport set 53`,
  ];
  assert.deepEqual(
    listed.split("\n").flatMap((line) => (/accept$|set \d+$/.test(line) ? [line.trim()] : [])),
    rules,
  );
  assert.match(listed, /table inet portolan-names \{[^\n]*\n\tflags owner/);
  await resolver.removeSandbox("s1");
  assert.equal(nft(namespace, "list", "ruleset"), "");
});

test("a firewall that is flushed in the sandbox takes no names along", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  nft(namespace, "add", "table", "ip", "theirs");
  nft(namespace, "flush", "ruleset");
  assert.doesNotMatch(nft(namespace, "list", "ruleset"), /theirs/);
  assert.equal(told(await ask("web", "A", { namespace })), "NOERROR 10.0.0.2");
});

test("a second engine is told that the sandbox is served", async (t) => {
  const namespace = namespaceFor(t);
  await resolverFor(t).setSandbox(sandboxIn(namespace));
  const second = resolverFor(t).setSandbox(sandboxIn(namespace));
  await assert.rejects(second, (error) => isPortolanError(error, "address-in-use"));
});

test("nothing is left of a resolver whose process was killed, and the next one serves", async (t) => {
  const namespace = namespaceFor(t);
  const victim = fork(join(import.meta.dirname, "victim.ts"), [namespace]);
  await once(victim, "message");
  assert.match(nft(namespace, "list", "ruleset"), /portolan-names/);
  const gone = once(victim, "exit");
  victim.kill("SIGKILL");
  await gone;
  for (let tries = 0; nft(namespace, "list", "ruleset") !== ""; tries++) {
    assert.ok(tries < 40, "its table is still there");
    await sleep(50);
  }
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace));
  assert.equal(told(await ask("web", "A", { namespace })), "NOERROR 10.0.0.2");
});

test("in a namespace of the engine's own it outlives a process that is killed, and is the next one's", async (t) => {
  const namespace = namespaceFor(t);
  const victim = fork(join(import.meta.dirname, "victim.ts"), [namespace, "lasting"]);
  await once(victim, "message");
  const gone = once(victim, "exit");
  victim.kill("SIGKILL");
  await gone;
  assert.match(nft(namespace, "list", "ruleset"), /portolan-names/);
  const resolver = resolverFor(t);
  resolver.setEndpoint(web);
  await resolver.setSandbox(sandboxIn(namespace, { lasting: true }));
  assert.equal(told(await ask("web", "A", { namespace })), "NOERROR 10.0.0.2");
  assert.equal(nft(namespace, "list", "tables").match(/portolan-names/g)?.length, 1);
  await resolver.removeSandbox("s1");
  assert.equal(nft(namespace, "list", "ruleset"), "");
});

test("a resolver that ends leaves it for the next one in the engine's own namespaces, and nothing in others", async (t) => {
  const namespace = namespaceFor(t);
  const resolver = resolverFor(t);
  const foreign = namespaceFor(t);
  await resolver.setSandbox(sandboxIn(namespace, { lasting: true }));
  await resolver.setSandbox(sandboxIn(foreign, { id: "s2" }));
  await resolver.close();
  assert.match(nft(namespace, "list", "ruleset"), /portolan-names/);
  assert.equal(nft(foreign, "list", "ruleset"), "");
});
