import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet, type Subnet } from "../../../src/address/cidr.ts";
import { describeNetworkFirewall } from "../../../src/firewall/network.ts";
import { baseObjects } from "../../../src/firewall/table.ts";
import { ruleText } from "../../../src/state/nft/rule-text.ts";
import { partsText } from "../../../src/state/nft/value-text.ts";
import type { KernelObject } from "../../../src/state/objects.ts";
import { assertGolden } from "../../golden/golden.ts";

/** The table as a document, the way `nft list table` prints one, in lines. */
function document(objects: readonly KernelObject[]): readonly string[] {
  const lines: string[] = [];
  for (const object of objects) {
    if (object.kind !== "nft-set") continue;
    const elements = objects.filter((other) => other.kind === "nft-element" && other.set === object.name);
    const texts = elements.flatMap((element) => {
      if (element.kind !== "nft-element") return [];
      return [partsText(object.key, element.key) + (element.data ? ` : ${element.data.join(" ")}` : "")];
    });
    const type = object.key.join(" . ") + (object.data ? ` : ${object.data.join(" . ")}` : "");
    lines.push(
      `${object.data ? "map" : "set"} ${object.name} { ${type} }${texts.length > 0 ? ` = ${texts.join(", ")}` : ""}`,
    );
  }
  for (const chain of objects) {
    if (chain.kind !== "nft-chain") continue;
    const base = chain.base
      ? ` (${chain.base.type} ${chain.base.hook} ${chain.base.priority} ${chain.base.policy})`
      : "";
    lines.push(`chain ${chain.name}${base}`);
    const rules = objects.flatMap((rule) => (rule.kind === "nft-rule" && rule.chain === chain.name ? [rule] : []));
    for (const rule of rules.toSorted((a, b) => a.position - b.position)) lines.push(`  ${ruleText(rule.expressions)}`);
  }
  return lines;
}

const subnets = (...texts: readonly string[]): readonly Subnet[] => texts.map(parseSubnet);

test("the table of two networks, one of them internal", () => {
  const front = describeNetworkFirewall({
    bridge: "br-front",
    internal: false,
    subnets: subnets("10.1.0.0/24", "fd00:1::/64"),
    masqueraded: subnets("10.1.0.0/24", "fd00:1::/64"),
  });
  const back = describeNetworkFirewall({
    bridge: "br-back",
    internal: true,
    subnets: subnets("10.2.0.0/24"),
    masqueraded: [],
  });
  // A listing to be reviewed, as `nft list table` prints one: UPDATE_GOLDEN=1 accepts what changed.
  assertGolden("firewall", [["two networks, one of them internal", document([...new Set([...front, ...back])])]]);
});

test("networks add elements, never chains or rules", () => {
  for (let i = 0; i < 100; i++) {
    const objects = describeNetworkFirewall({
      bridge: `br-${i}`,
      internal: i % 2 === 0,
      subnets: subnets(`10.0.${i}.0/24`),
      masqueraded: subnets(`10.0.${i}.0/24`),
    });
    const own = objects.filter((object) => !baseObjects.includes(object));
    assert.ok(own.length <= 5 && own.every((object) => object.kind === "nft-element"));
  }
});

test("a subnet of one address is an element of one address", () => {
  const objects = describeNetworkFirewall({
    bridge: "br-0",
    internal: false,
    subnets: [],
    masqueraded: subnets("10.0.0.7/32", "fd00::7/128"),
  });
  const keys = objects.flatMap((object) =>
    object.kind === "nft-element" && object.set.startsWith("masq") ? object.key : [],
  );
  assert.deepEqual(keys, ["10.0.0.7", "fd00::7"]);
});

test("every chain is jumped to by a rule or hooked, and every rule stands in a chain of the table", () => {
  const chains = baseObjects.flatMap((object) => (object.kind === "nft-chain" ? [object] : []));
  const rules = baseObjects.flatMap((object) => (object.kind === "nft-rule" ? [object] : []));
  for (const rule of rules) assert.ok(chains.some((chain) => chain.name === rule.chain));
  for (const chain of chains) {
    const reached = rules.some((rule) =>
      rule.expressions.some(
        (expression) => expression.type === "verdict" && "chain" in expression && expression.chain === chain.name,
      ),
    );
    assert.ok(chain.base !== undefined || reached, chain.name);
  }
});
