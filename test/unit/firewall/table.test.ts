import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../src/address/cidr.ts";
import { parseIp } from "../../../src/address/ip.ts";
import { parsePort } from "../../../src/address/port.ts";
import { gatewayModes } from "../../../src/firewall/gateway-mode.ts";
import { into } from "../../../src/firewall/isolation.ts";
import { describeNetworkFirewall, type NetworkFirewall, type SubnetFirewall } from "../../../src/firewall/network.ts";
import { describeOpened } from "../../../src/firewall/opened.ts";
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

/** A network with everything at its default, and changes. */
const network = (
  changes: Partial<NetworkFirewall>,
  ...subnets: readonly Partial<SubnetFirewall>[]
): NetworkFirewall => ({
  bridge: "br-0",
  internal: false,
  among: "freely",
  trusted: [],
  subnets: subnets.map((one) => ({ subnet: parseSubnet("10.1.0.0/24"), mode: "nat", source: "masquerade", ...one })),
  ...changes,
});
const subnet6 = parseSubnet("fd00:1::/64");

/** The elements that a network adds to the table that is there. */
const elements = (given: NetworkFirewall): readonly KernelObject[] =>
  describeNetworkFirewall(given).filter((object) => !baseObjects.includes(object));

test("the table of two networks, one of them internal", () => {
  const front = describeNetworkFirewall(network({ bridge: "br-front" }, {}, { subnet: subnet6 }));
  const inner = describeNetworkFirewall(
    network({ bridge: "br-inner", internal: true }, { subnet: parseSubnet("10.2.0.0/24") }),
  );
  // A listing to be reviewed, as `nft list table` prints one: UPDATE_GOLDEN=1 accepts what changed.
  assertGolden("firewall", [["two networks, one of them internal", document([...new Set([...front, ...inner])])]]);
});

test("networks add elements, never chains or rules, and no more of them the more there are", () => {
  for (const [at, mode] of [...gatewayModes, ...gatewayModes].entries()) {
    const internal = mode === "isolated";
    const own = elements(
      network(
        { bridge: `br-${at}`, internal, among: at % 2 === 0 ? "freely" : "by-published-ports" },
        { mode },
        { mode, subnet: subnet6 },
      ),
    );
    // Bridge, pair, two ways in, and for each family source and hairpin, or the mark of an internal network.
    assert.ok(own.length <= 8 && own.every((object) => object.kind === "nft-element"), `${own.length} for ${mode}`);
  }
});

/** What an element says, in a line. */
function line(object: KernelObject): string {
  if (object.kind !== "nft-element") return object.kind;
  const key = partsText(object.type.key, object.key).replaceAll('"', "");
  return `${object.set} ${key}${object.data ? ` : ${object.data.join(" ")}` : ""}`;
}

const cases: readonly (readonly [string, NetworkFirewall, readonly string[]])[] = [
  [
    "nat",
    network({}, {}),
    ["into-bridges4 br-0 : goto into-nat", "into-bridges6 br-0 : drop", "masqueraded4 10.1.0.0/24"],
  ],
  ["nat-unprotected", network({}, { mode: "nat-unprotected" }), ["into-bridges4 br-0 : goto into-nat-unprotected"]],
  ["routed", network({}, { mode: "routed", source: "own" }), ["into-bridges4 br-0 : goto into-routed"]],
  [
    "isolated",
    network({ internal: true }, { mode: "isolated" }),
    ["into-bridges4 br-0 : drop", "internal-bridges br-0"],
  ],
  [
    "IPv4 by nat, IPv6 routed",
    network({}, {}, { subnet: subnet6, mode: "routed", source: "own" }),
    ["into-bridges4 br-0 : goto into-nat", "into-bridges6 br-0 : goto into-routed"],
  ],
  [
    "nothing among its own",
    network({ among: "by-published-ports" }, {}),
    ["between-bridges br-0 . br-0 : goto into-nat"],
  ],
  ["a chosen source", network({}, { source: parseIp("192.0.2.9") }), ["sources4 10.1.0.0/24 : 192.0.2.9"]],
  ["trusted interfaces", network({ trusted: ["wg0", "eth1"] }, {}), ["trusted wg0 . br-0", "trusted eth1 . br-0"]],
];
for (const [name, given, wanted] of cases) {
  test(`elements of a network: ${name}`, () => {
    const lines = elements(given).map(line);
    for (const one of wanted) assert.ok(lines.includes(one), `${one} in ${lines.join(", ")}`);
    const translated = lines.some((text) => /^(masqueraded|sources)/.test(text));
    assert.equal(translated, !given.internal && given.subnets.some(({ source }) => source !== "own"));
  });
}

test("a subnet of one address is an element of one address", () => {
  const objects = elements(network({}, { subnet: parseSubnet("10.0.0.7/32") }, { subnet: parseSubnet("fd00::7/128") }));
  const keys = objects.flatMap((object) =>
    object.kind === "nft-element" && object.set.startsWith("masq") ? object.key : [],
  );
  assert.deepEqual(keys, ["10.0.0.7", "fd00::7"]);
});

test("opened ports are elements of one port or of a row, none of them twice", () => {
  const opened = (...texts: readonly string[]): readonly string[] =>
    describeOpened(parseIp("10.1.0.7"), texts.map(parsePort)).map(line);
  assert.deepEqual(opened("80", "8080:80", "80/udp"), ["opened4 10.1.0.7 . tcp . 80", "opened4 10.1.0.7 . udp . 80"]);
  assert.deepEqual(opened("80-90", "85-95", "96", "100"), [
    "opened-rows4 10.1.0.7 . tcp . 80-96",
    "opened4 10.1.0.7 . tcp . 100",
  ]);
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
    if (Object.values(into).some((verdict) => verdict === `goto ${chain.name}`)) continue;
    assert.ok(chain.base !== undefined || reached, chain.name);
  }
});
