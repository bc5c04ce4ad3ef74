import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Deadlines, Timed } from "../../../src/loop/deadlines.ts";

class Item extends Timed {
  readonly name: number;
  constructor(name: number) {
    super();
    this.name = name;
  }
}

const command = fc.oneof(
  fc.record({ do: fc.constant("begin" as const), item: fc.nat(9), in: fc.nat(1) }),
  fc.record({ do: fc.constant("leave" as const), item: fc.nat(9) }),
  fc.record({ do: fc.constant("pass" as const), time: fc.nat(20) }),
);

test("items come out when they are due, in order, wherever they stood and whatever left before them", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const lists = [new Deadlines<Item>(10), new Deadlines<Item>(30)] as const;
      const items = Array.from({ length: 10 }, (_, i) => new Item(i));
      /** What stands where until when, as a table; in order of beginning. */
      let table: { readonly name: number; readonly list: number; readonly due: number }[] = [];
      let now = 0;
      for (const one of commands) {
        if (one.do === "pass") {
          now += one.time;
          for (const [at, list] of lists.entries()) {
            const due = table.filter((row) => row.list === at && row.due <= now);
            for (const { name } of due) assert.equal(list.take(now)?.name, name);
            assert.equal(list.take(now), undefined);
            table = table.filter((row) => !due.includes(row));
          }
          continue;
        }
        const item = items[one.item];
        assert.ok(item);
        table = table.filter(({ name }) => name !== one.item);
        if (one.do === "leave") item.leave();
        else {
          const list = lists[one.in];
          list?.begin(item, now);
          table.push({ name: one.item, list: one.in, due: now + (list?.after ?? 0) });
        }
        for (const [at, list] of lists.entries()) {
          const [first] = table.filter((row) => row.list === at);
          assert.equal(list.next(), first?.due ?? Number.POSITIVE_INFINITY);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
