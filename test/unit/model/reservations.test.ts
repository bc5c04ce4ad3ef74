import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type IpAddress, parseIp } from "../../../src/address/ip.ts";
import { Reservations, reservationId } from "../../../src/model/reservations.ts";
import type { ReservationRecord } from "../../../src/store/records.ts";

const pool = "/net";
const record = (containerId: string, ...addresses: readonly string[]): ReservationRecord => ({
  id: reservationId(pool, { containerId, interfaceName: "eth0" }),
  pool,
  containerId,
  interfaceName: "eth0",
  created: "2026-01-01T00:00:00Z",
  addresses: addresses.map(parseIp),
});
const [four, six] = [parseIp("10.1.0.2"), parseIp("fd00::2")];

test("what is given out is taken, known by its holder, and the last of its set", () => {
  const reservations = new Reservations();
  const one = record("c1", four, six);
  reservations.add(one);
  assert.ok(reservations.isTaken(pool, four) && reservations.isTaken(pool, six));
  assert.equal(reservations.isTaken("/other", four), false);
  assert.equal(reservations.of(pool, { containerId: "c1", interfaceName: "eth0" }), one);
  assert.equal(reservations.of(pool, { containerId: "c1", interfaceName: "eth1" }), undefined);
  assert.deepEqual([reservations.last(pool, 0), reservations.last(pool, 1)], [four, six]);
  reservations.remove(one);
  assert.deepEqual(reservations.all(pool), []);
  assert.equal(reservations.isTaken(pool, four), false);
  assert.equal(reservations.last(pool, 0), four, "the next comer gets another one");
});

test("who gives back twice takes it from nobody who has it by then", () => {
  const reservations = new Reservations();
  const [one, other] = [record("c1", four), record("c2", four)];
  reservations.add(one);
  reservations.remove(one);
  reservations.add(other);
  reservations.remove(one);
  assert.ok(reservations.isTaken(pool, four));
  reservations.remove(other);
  const again = record("c1", six);
  reservations.add(again);
  reservations.remove(one);
  assert.equal(reservations.of(pool, { containerId: "c1", interfaceName: "eth0" }), again);
});

test("the next engine goes on where this one ended, whatever order the records have", () => {
  const reservations = new Reservations();
  const [one, two] = [record("c1", four), record("c2", "10.1.0.3", six)];
  reservations.add(two);
  reservations.add(one);
  reservations.remove(two);
  const next = new Reservations();
  next.restore([one], [reservations.setting(pool), { id: "boot-id", value: "x" }]);
  assert.deepEqual(next.all(pool), [one]);
  assert.deepEqual([next.last(pool, 0), next.last(pool, 1)], [four, six]);
  assert.equal(next.last("/other", 0), undefined);
});

test("any sequence of giving out and back leaves taken what is held", () => {
  const step = fc.record({ give: fc.boolean(), container: fc.nat(4), host: fc.nat(4) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const reservations = new Reservations();
      const held = new Map<string, ReservationRecord>();
      for (const { give, container, host } of steps) {
        const name = `c${container}`;
        const address: IpAddress = parseIp(`10.1.0.${host}`);
        const known = held.get(name);
        const taken = [...held.values()].some(({ addresses }) => addresses.includes(address));
        assert.equal(reservations.isTaken(pool, address), taken);
        if (give && known === undefined && !taken) {
          const made = record(name, address);
          held.set(name, made);
          reservations.add(made);
        } else if (!give && known !== undefined) {
          held.delete(name);
          reservations.remove(known);
        }
      }
      assert.deepEqual(new Set(reservations.all(pool)), new Set(held.values()));
    }),
  );
});
