/** Calls of the types ipvlan, vlan and vrf fail and are killed at their changes. The emulator is slow: at some of them. */
import { test } from "node:test";
import { failAtEachChange } from "../../kernel/model/failing.ts";
import { killAtEachChange } from "../../kernel/model/killing.ts";
import { linkOperations, someOf } from "../../kernel/model/operations/attachments/index.ts";
import { makeForeign } from "../../kernel/model/operations/operation.ts";
import { enterTestHost, run } from "../../support/test-host.ts";

enterTestHost();
makeForeign();
// With a namespace's first VRF the kernel makes a rule, which stays (vrf_add_fib_rules in drivers/net/vrf.c).
run("ip -n foreign link add first type vrf table 10");
run("ip -n foreign link delete first");

for (const [number, operation] of linkOperations.entries()) {
  test(`${operation.name}: fails at each change, and nothing has changed`, (t) =>
    failAtEachChange(t, operation, { first: 1 + (number % 4), every: 6 }));
}

for (const operation of someOf(linkOperations)) {
  test(`${operation.name}: killed at each change, the next start and DEL leave nothing`, (t) =>
    killAtEachChange(t, operation, { first: 3, every: 9 }));
}
