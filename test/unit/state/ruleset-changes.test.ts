import assert from "node:assert/strict";
import { test } from "node:test";
import { AttributeWriter } from "../../../src/kernel/netlink/attribute.ts";
import type { ReceivedMessage } from "../../../src/kernel/netlink/message.ts";
import { newChain } from "../../../src/kernel/netlink/nftables/chain.ts";
import { nftMessage } from "../../../src/kernel/netlink/nftables/message.ts";
import { deleteRule, newRule } from "../../../src/kernel/netlink/nftables/rule.ts";
import { deleteTable } from "../../../src/kernel/netlink/nftables/table.ts";
import { type RulesetChange, rulesetChanges } from "../../../src/state/ruleset-changes.ts";

const received = ({ type, body }: { readonly type: number; readonly body: Uint8Array }): ReceivedMessage => ({
  type,
  flags: 0,
  sequence: 1,
  portId: 77,
  body: Buffer.from(body),
});

/** NFT_MSG_NEWGEN with NFTA_GEN_ID, NFTA_GEN_PROC_PID and NFTA_GEN_PROC_NAME. */
function generation(id: number, pid?: number, name?: string): ReceivedMessage {
  const writer = new AttributeWriter().raw(Uint8Array.of(0, 0, 0, 0)).be32(1, id);
  if (pid !== undefined) writer.be32(2, pid);
  if (name !== undefined) writer.string(3, name);
  return received({ type: nftMessage.newGeneration, body: writer.finish() });
}

type Datagram = readonly ReceivedMessage[] | "overrun";

async function* told(datagrams: readonly Datagram[]): AsyncGenerator<Datagram> {
  yield* datagrams;
}

async function gathered(...datagrams: readonly Datagram[]): Promise<readonly RulesetChange[]> {
  const changes: RulesetChange[] = [];
  for await (const change of rulesetChanges(told(datagrams))) changes.push(change);
  return changes;
}

const own = received(deleteTable("portolan"));
const foreign = received(newChain({ table: "foreign", name: "c" }));

test("a transaction is one change, with all tables that it touched and who made it", async () => {
  assert.deepEqual(await gathered([own], [foreign, own], [generation(7, 4711, "nft")], [foreign], [generation(8)]), [
    { tables: ["portolan", "foreign"], by: { pid: 4711, name: "nft" } },
    { tables: ["foreign"] },
  ]);
});

test("a table of family bridge is meant as well", async () => {
  const bridge = received(deleteTable("portolan", "bridge"));
  assert.deepEqual(await gathered([bridge], [generation(7)]), [{ tables: ["portolan"] }]);
});

test("tables of other families have the same names and are not meant", async () => {
  const ip = received({ ...own, body: Buffer.from(own.body).fill(2, 0, 1) });
  assert.deepEqual(await gathered([ip, generation(7, 1, "nft")]), [{ tables: [], by: { pid: 1, name: "nft" } }]);
});

test("rules that came and went are counted, each chain and each transaction by itself", async () => {
  const came = (chain: string) => received(newRule({ table: "portolan", chain, expressions: [] }));
  const went = (chain: string) => received(deleteRule("portolan", chain, 7n));
  const changes = await gathered(
    [went("a"), went("b"), went("a")],
    [came("a"), generation(7)],
    [came("b"), generation(8)],
  );
  assert.deepEqual(
    changes.map(({ chains }) => chains),
    [
      [
        { table: "portolan", chain: "a", added: 1, deleted: 2 },
        { table: "portolan", chain: "b", added: 0, deleted: 1 },
      ],
      [{ table: "portolan", chain: "b", added: 1, deleted: 0 }],
    ],
  );
});

test("where notifications were lost it may have been any table, and what follows is told again", async () => {
  assert.deepEqual(await gathered([own], "overrun", [foreign], [generation(9, 5, "ufw")]), [
    { tables: undefined },
    { tables: ["foreign"], by: { pid: 5, name: "ufw" } },
  ]);
});
