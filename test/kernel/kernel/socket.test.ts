/** Netlink sockets: answers of any size, tables that change while they are read, and notifications. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { KernelError } from "../../../src/kernel/kernel.ts";
import { decodeGeneration } from "../../../src/kernel/netlink/nftables/generation.ts";
import { rulesetGroup, tableOf } from "../../../src/kernel/netlink/nftables/message.ts";
import { deleteTable, newTable } from "../../../src/kernel/netlink/nftables/table.ts";
import {
  createLink,
  decodeLink,
  deleteLink,
  deleteLinkGroup,
  dumpLinks,
  getLink,
  setLink,
} from "../../../src/kernel/netlink/route/link.ts";
import { routeMessage } from "../../../src/kernel/netlink/route/rtnetlink.ts";
import { NetlinkSocket } from "../../../src/kernel/netlink/socket.ts";
import { enterTestHost } from "../../support/test-host.ts";

enterTestHost();

/** RTNLGRP_LINK (linux/rtnetlink.h) */
const linkGroup = 1;

function socketFor(t: TestContext, groups: readonly number[] = []): NetlinkSocket {
  const socket = new NetlinkSocket("route", { groups });
  t.after(() => socket.close());
  return socket;
}

const group = 77;
const bridge = (name: string) => createLink({ name, group, data: { kind: "bridge" } });
/** Deletes all bridges at once: one by one each would take the time of all. */
const deleteAll = (socket: NetlinkSocket) => socket.execute([deleteLinkGroup(group)]);
const namesIn = (socket: NetlinkSocket): readonly string[] =>
  socket.dump(dumpLinks()).flatMap((message) => decodeLink(message)?.name ?? []);

test("a refusal tells the kernel's own words and the attribute at fault", (t) => {
  const socket = socketFor(t);
  const [refusal] = socket.execute([createLink({ name: "odd0", data: { kind: "bridge" }, mtu: 1 })]);
  assert.equal(refusal?.code, "EINVAL");
  assert.match(refusal.message, /mtu/i);
});

test("a dump of many datagrams is read to its end", (t) => {
  const socket = socketFor(t);
  const names = Array.from({ length: 80 }, (_, i) => `many${i}`);
  assert.ok(socket.execute(names.map(bridge)).every((refusal) => refusal === undefined));
  assert.deepEqual(
    namesIn(socket).filter((name) => name.startsWith("many")),
    names,
  );
  deleteAll(socket);
});

test("a table that changes while it is read is read again, until nothing that stays is missing", async (t) => {
  const socket = socketFor(t);
  const stay = Array.from({ length: 60 }, (_, i) => `stay${i}`);
  socket.execute(stay.map(bridge));
  const script = "for i in $(seq 40); do ip link add come0 type bridge; ip link delete come0; done";
  const changing = spawn("sh", ["-c", script], { stdio: "ignore" });
  const ended = once(changing, "exit");
  let reads = 0;
  while (changing.exitCode === null) {
    try {
      const names = new Set(namesIn(socket));
      for (const name of stay) assert.ok(names.has(name), `${name} is missing`);
    } catch (error) {
      // Given up, rather than half an answer.
      assert.ok(error instanceof KernelError && /changed during each/.test(error.message), String(error));
    }
    reads++;
    await new Promise(setImmediate);
  }
  await ended;
  assert.ok(reads > 10);
  deleteAll(socket);
});

test("notifications come to whoever watches, while the thread does other things", async (t) => {
  const socket = socketFor(t, [linkGroup]);
  const other = socketFor(t);
  const end = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const messages of socket.watch(end.signal)) {
      assert.notEqual(messages, "overrun");
      for (const message of messages === "overrun" ? [] : messages) {
        const verb = message.type === routeMessage.newLink ? "new" : "gone";
        seen.push(`${verb} ${decodeLink(message)?.name}`);
      }
      if (seen.includes("gone seen0")) end.abort();
    }
  })();
  other.execute([bridge("seen0")]);
  other.execute([deleteLink({ name: "seen0" })]);
  await watching;
  assert.ok(seen.indexOf("new seen0") < seen.indexOf("gone seen0"), seen.join(", "));
});

test("a watch ends with its signal, also where nothing ever comes", async (t) => {
  const socket = socketFor(t, [linkGroup]);
  const began = performance.now();
  for await (const _ of socket.watch(AbortSignal.timeout(50))) assert.fail("nothing has changed");
  assert.ok(performance.now() - began < 150, "it does not wait any longer");
});

test("a watcher that is deaf to a socket hears of others' changes alone", async (t) => {
  const [own, other] = [new NetlinkSocket("netfilter"), new NetlinkSocket("netfilter")];
  const watcher = new NetlinkSocket("netfilter", { groups: [rulesetGroup], deafTo: own.portId });
  for (const socket of [own, other, watcher]) t.after(() => socket.close());
  own.transact([newTable({ name: "own" })]);
  other.transact([newTable({ name: "other" })]);
  own.transact([deleteTable("own"), deleteTable("other")]);
  other.transact([newTable({ name: "last" })]);
  const end = new AbortController();
  const seen: (string | undefined)[] = [];
  for await (const messages of watcher.watch(end.signal)) {
    for (const message of messages === "overrun" ? [] : messages) {
      if (decodeGeneration(message) === undefined) seen.push(tableOf(message));
    }
    if (seen.includes("last")) end.abort();
  }
  assert.deepEqual(seen, ["other", "last"]);
  own.transact([deleteTable("last")]);
});

test("a watcher that was too slow is told that it has missed something, and goes on", async (t) => {
  const socket = socketFor(t, [linkGroup]);
  const other = socketFor(t);
  // 12,000 notifications of more than 1,000 bytes each do not fit into the socket's 8 MB.
  other.execute(Array.from({ length: 12_000 }, (_, i) => setLink({ name: "lo" }, { mtu: 60_000 + (i % 2) })));
  const end = new AbortController();
  let overrun = false;
  let again: NodeJS.Timeout | undefined;
  for await (const messages of socket.watch(end.signal)) {
    if (messages === "overrun") {
      overrun = true;
      // The kernel adds nothing until all that had come before is read, however long that takes.
      let count = 0;
      again ??= setInterval(() => other.execute([bridge(`after${count++}`)]), 300);
    } else if (messages.some((message) => decodeLink(message)?.name.startsWith("after"))) end.abort();
  }
  clearInterval(again);
  assert.ok(overrun);
  deleteAll(other);
});

test("answers belong to their own request, after one that was refused, too", (t) => {
  const socket = socketFor(t);
  assert.throws(() => socket.get(getLink({ name: "none0" })), KernelError);
  const [answer] = socket.get(getLink({ name: "lo" }));
  assert.equal(answer && decodeLink(answer)?.name, "lo");
  assert.throws(() => socket.linkIndex("none0"), KernelError);
  assert.equal(socket.linkIndex("lo"), 1);
});
