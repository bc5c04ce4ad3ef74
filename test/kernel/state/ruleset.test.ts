/** The host's ruleset watched and mended by both engines, with the nft tool as somebody else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { describeNetworkFirewall } from "../../../src/firewall/network.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { RulesetChange } from "../../../src/state/engine.ts";
import { plan } from "../../../src/state/plan.ts";
import { enterTestHost, exec, missing, run } from "../../support/test-host.ts";

enterTestHost();

const firewall = describeNetworkFirewall({
  bridge: "br-one",
  internal: false,
  among: "freely",
  trusted: [],
  subnets: [{ subnet: parseSubnet("10.9.0.0/24"), mode: "nat", source: "masquerade" }],
});

test("the engine tells what others do to the ruleset, and nothing of its own", {
  skip: missing("nft"),
}, async (t) => {
  const engine = createEngine(createKernel());
  t.after(() => engine.close());
  const seen: RulesetChange[] = [];
  let next = Promise.withResolvers<void>();
  await engine.watchRuleset((change) => {
    seen.push(change);
    next.resolve();
  });
  await engine.apply(plan(firewall, []));
  run("nft add table inet foreign");
  await next.promise;
  next = Promise.withResolvers();
  run("nft flush ruleset");
  await next.promise;
  assert.deepEqual(
    seen.map(({ tables, by }) => [tables?.toSorted(), by?.name]),
    [
      [["foreign"], "nft"],
      [["foreign", "portolan"], "nft"],
    ],
  );
});

test("the engine mends the ruleset, and only that", { skip: missing("nft") }, async (t) => {
  const engine = createEngine(createKernel());
  t.after(() => engine.close());
  await engine.apply(plan(firewall, []));
  run("ip route add 192.0.2.0/24 dev lo proto 112");
  const whole = run("nft list ruleset");
  assert.deepEqual(await engine.mendRuleset(firewall), []);
  run("nft flush ruleset");
  assert.equal((await engine.mendRuleset(firewall)).length, firewall.length);
  assert.equal(run("nft list ruleset"), whole);
  exec("nft", "delete element inet portolan bridges { br-one }");
  exec("nft", "add element inet portolan bridges { br-two }");
  assert.deepEqual(
    (await engine.mendRuleset(firewall)).map(({ action, object }) => [action, object.kind]),
    [
      ["delete", "nft-element"],
      ["create", "nft-element"],
    ],
  );
  assert.equal(run("nft list ruleset"), whole);
  assert.match(run("ip route"), /192\.0\.2\.0/, "what only a comparison of everything would remove");
  run("ip route delete 192.0.2.0/24");
  run("nft delete table inet portolan");
});
