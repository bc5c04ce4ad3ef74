import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../../src/errors.ts";
import { canonicalExpressions } from "../../../../src/kernel/netlink/nftables/expressions.ts";
import { ruleText } from "../../../../src/state/nft/rule-text.ts";
import { iifname, ipSaddr } from "../../../../src/state/nft/selectors.ts";
import { log, match, rule } from "../../../../src/state/nft/statements.ts";
import { expression } from "../../kernel/netlink/nftables/arbitraries.ts";
import { ruleCases } from "./rule-cases.ts";

for (const { text, expressions } of ruleCases) {
  test(`a rule is written as: ${text}`, () => {
    assert.equal(ruleText(expressions), text);
  });
}

test("builders make expressions in the form in which the kernel prints them", () => {
  for (const { text, expressions } of ruleCases) assert.deepEqual(canonicalExpressions(expressions), expressions, text);
});

test("expressions that no builder makes are written right or refused with the typed error", () => {
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 6 }), (some) => {
      try {
        ruleText(some);
      } catch (error) {
        if (!isPortolanError(error)) throw error;
      }
    }),
  );
});

const mistakes: Readonly<Record<string, () => unknown>> = {
  "an IPv6 address where IPv4 ones are compared": () => match(ipSaddr(), "==", "fd00::1"),
  "a range under an order": () => match(ipSaddr(), "<", { from: "10.0.0.1", to: "10.0.0.2" }),
  "a prefix that is too long": () => match(ipSaddr(), "==", { prefix: "10.0.0.0/33" }),
  "a prefix that takes every address": () => match(ipSaddr(), "==", { prefix: "0.0.0.0/0" }),
  "a link name that no link can have": () => match(iifname(), "==", "a name too long"),
  "a link name that would end the quotes": () => match(iifname(), "==", 'a"b'),
  "a log prefix that would end the quotes": () => ruleText(rule(log({ prefix: 'a"b' }))),
};
for (const [mistake, make] of Object.entries(mistakes)) {
  test(`refused: ${mistake}`, () => {
    assert.throws(make, (error) => isPortolanError(error, "invalid-argument"));
  });
}
