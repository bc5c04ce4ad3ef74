import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubnet } from "../../../../src/address/cidr.ts";
import {
  createRule,
  decodeRule,
  deleteRule,
  dumpRules,
  type RuleOptions,
} from "../../../../src/kernel/netlink/route/rule.ts";
import { assertHas, dump, json, refusal, run, send, skipIp } from "./host.ts";

const protocol = 112;
const from = parseSubnet("10.1.0.0/16");
const to = parseSubnet("10.2.0.0/16");

const cases: readonly { readonly name: string; readonly ours: RuleOptions; readonly theirs: string }[] = [
  {
    name: "a rule with all conditions, for a table beyond 255",
    ours: {
      family: 4,
      priority: 100,
      table: 70000,
      from,
      to,
      mark: { value: 7, mask: 0xff },
      inputLink: "eth7",
      protocol,
    },
    theirs: "priority 100 from 10.1.0.0/16 to 10.2.0.0/16 fwmark 7/0xff iif eth7 lookup 70000 protocol 112",
  },
  {
    name: "a rule for packets without a mark",
    ours: { family: 4, priority: 101, table: 100, mark: { value: 0, mask: 0xf }, protocol },
    theirs: "priority 101 fwmark 0/0xf lookup 100 protocol 112",
  },
  {
    name: "a rule that makes destinations unreachable",
    ours: { family: 4, priority: 102, action: "unreachable", to, protocol },
    theirs: "priority 102 to 10.2.0.0/16 unreachable protocol 112",
  },
  {
    name: "a rule that passes over the default route",
    ours: { family: 4, priority: 103, table: 254, suppressPrefixLength: 0, protocol },
    theirs: "priority 103 lookup main suppress_prefixlength 0 protocol 112",
  },
  {
    name: "an inverted IPv6 rule",
    ours: { family: 6, priority: 100, table: 100, invert: true, outputLink: "eth7", protocol },
    theirs: "priority 100 not oif eth7 lookup 100 protocol 112",
  },
];

for (const { name, ours, theirs } of cases) {
  test(`${name} is made as \`ip\` makes it`, { skip: skipIp }, () => {
    const seen = () => ({
      ours: dump(dumpRules(ours.family), decodeRule).filter((rule) => rule.protocol === protocol),
      theirs: json(`ip -${ours.family} rule show priority ${ours.priority}`),
    });
    send(createRule(ours));
    const made = seen();
    assert.equal(made.ours.length, 1);
    assertHas(made.ours[0], ours);
    assert.equal(refusal(createRule(ours)), "EEXIST");
    assert.equal(refusal(deleteRule({ ...ours, protocol: 113 })), "ENOENT");
    send(deleteRule(ours));
    assert.deepEqual(seen().ours, []);
    run(`ip -${ours.family} rule add ${theirs}`);
    assert.deepEqual(seen(), made);
    send(deleteRule(ours));
  });
}

test("the kernel's own rules are decoded", () => {
  const told = dump(dumpRules(4), decodeRule).map(({ priority, action, table }) => [priority, action, table]);
  assert.deepEqual(told, [
    [0, "table", 255],
    [32766, "table", 254],
    [32767, "table", 253],
  ]);
});
