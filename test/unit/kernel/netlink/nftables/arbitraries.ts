/** Arbitrary nftables data in canonical form, and what reads messages back as if the kernel had sent them. */
import fc from "fast-check";
import type { NetlinkMessage, ReceivedMessage } from "../../../../../src/kernel/netlink/message.ts";
import { ctKeys, metaKeys } from "../../../../../src/kernel/netlink/nftables/expressions/load.ts";
import type { Expression, Verdict } from "../../../../../src/kernel/netlink/nftables/expressions.ts";

/** Arbitrary records as plain objects: fast-check's own may lack a prototype, which deepEqual minds. */
export const plain = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value> =>
  arbitrary.map((value) => structuredClone(value));

/** A message as the kernel would send it. */
export function received({ type, flags, body }: NetlinkMessage): ReceivedMessage {
  return { type, flags, sequence: 1, portId: 1, body: Buffer.from(body) };
}

export const hex = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString("hex"));

export const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,30}$/);

const register = fc.constantFrom(1, 2, 3, 4, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23);
const u32 = fc.nat({ max: 0xffffffff });
const bytes = hex(1, 64);

const range = fc
  .tuple(register, fc.option(register, { nil: undefined }))
  .map(([first, last]) => ({ first, ...(last !== undefined && last !== first && { last }) }));
const flags = fc
  .subarray(["random", "persistent", "fully-random", "proto-offset", "netmap"] as const, { minLength: 1 })
  .map((set) => [...set]);

export const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.record({ verdict: fc.constantFrom("accept", "drop", "continue", "break", "return") }),
  fc.record({ verdict: fc.constantFrom("jump", "goto"), chain: name }),
);

/** One arbitrary for each type of expression, so that none is forgotten. */
export const expressionsByType: { readonly [Type in Expression["type"]]: fc.Arbitrary<Expression> } = {
  meta: fc.record({ type: fc.constant("meta"), key: fc.constantFrom(...metaKeys), to: register }),
  "meta-set": fc.record({ type: fc.constant("meta-set"), key: fc.constantFrom(...metaKeys), from: register }),
  payload: fc.record({
    type: fc.constant("payload"),
    base: fc.constantFrom("link", "network", "transport", "inner"),
    offset: fc.nat({ max: 255 }),
    length: fc.integer({ min: 1, max: 16 }),
    to: register,
  }),
  "payload-set": fc.record({
    type: fc.constant("payload-set"),
    base: fc.constantFrom("link", "network", "transport", "inner"),
    offset: fc.nat({ max: 255 }),
    length: fc.integer({ min: 1, max: 16 }),
    from: register,
    checksum: fc.nat(0xffff),
  }),
  ct: fc.record(
    {
      type: fc.constant("ct"),
      key: fc.constantFrom(...ctKeys),
      direction: fc.constantFrom("original", "reply"),
      to: register,
    },
    { requiredKeys: ["type", "key", "to"] },
  ),
  "ct-set": fc.record({ type: fc.constant("ct-set"), key: fc.constantFrom(...ctKeys), from: register }),
  fib: fc.record({
    type: fc.constant("fib"),
    flags: fc.subarray(["saddr", "daddr", "mark", "iif", "oif", "present"] as const).map((set) => [...set]),
    result: fc.constantFrom("oif", "oifname", "type"),
    to: register,
  }),
  immediate: fc.record({ type: fc.constant("immediate"), value: bytes, to: register }),
  verdict: verdict.map((decided) => ({ type: "verdict" as const, ...decided })),
  bitwise: fc.integer({ min: 1, max: 64 }).chain((length) =>
    fc.record({
      type: fc.constant("bitwise"),
      from: register,
      to: register,
      length: fc.constant(length),
      mask: hex(length),
      xor: hex(length),
    }),
  ),
  numgen: fc.record(
    {
      type: fc.constant("numgen"),
      mode: fc.constantFrom("incremental", "random"),
      modulus: u32,
      offset: fc.integer({ min: 1, max: 0xffffffff }),
      to: register,
    },
    { requiredKeys: ["type", "mode", "modulus", "to"] },
  ),
  jhash: fc.record(
    {
      type: fc.constant("jhash"),
      from: register,
      length: fc.integer({ min: 1, max: 64 }),
      modulus: u32,
      seed: u32,
      offset: fc.integer({ min: 1, max: 0xffffffff }),
      to: register,
    },
    { requiredKeys: ["type", "from", "length", "modulus", "to"] },
  ),
  cmp: fc.record({
    type: fc.constant("cmp"),
    operation: fc.constantFrom("==", "!=", "<", "<=", ">", ">="),
    from: register,
    value: bytes,
  }),
  range: fc.record({
    type: fc.constant("range"),
    operation: fc.constantFrom("==", "!="),
    from: register,
    first: bytes,
    last: bytes,
  }),
  lookup: fc.record(
    {
      type: fc.constant("lookup"),
      set: name,
      from: register,
      to: fc.oneof(register, fc.constant(0)),
      inverted: fc.constant(true as const),
    },
    { requiredKeys: ["type", "set", "from"] },
  ),
  nat: fc.record(
    {
      type: fc.constant("nat"),
      kind: fc.constantFrom("snat", "dnat"),
      family: fc.constantFrom(4 as const, 6 as const, "inet" as const),
      address: range,
      port: range,
      flags,
    },
    { requiredKeys: ["type", "kind", "family"] },
  ),
  masquerade: fc.record({ type: fc.constant("masquerade"), port: range, flags }, { requiredKeys: ["type"] }),
  redirect: fc.record({ type: fc.constant("redirect"), port: range, flags }, { requiredKeys: ["type"] }),
  counter: fc.constant({ type: "counter" }),
  notrack: fc.constant({ type: "notrack" }),
  reject: fc.oneof(
    fc.constant({ type: "reject" as const, with: "tcp-reset" as const }),
    fc.record({
      type: fc.constant("reject"),
      with: fc.constant("icmpx"),
      code: fc.constantFrom("no-route", "port-unreachable", "host-unreachable", "admin-prohibited"),
    }),
    fc.record({ type: fc.constant("reject"), with: fc.constant("icmp"), code: fc.nat({ max: 255 }) }),
  ),
  limit: fc.record(
    {
      type: fc.constant("limit"),
      of: fc.constantFrom("packets", "bytes"),
      rate: fc.maxSafeNat(),
      per: fc.constantFrom(1, 60, 3600, 86400, 604800),
      burst: u32,
      over: fc.constant(true as const),
    },
    { requiredKeys: ["type", "of", "rate", "per", "burst"] },
  ),
  log: fc.record(
    {
      type: fc.constant("log"),
      prefix: name,
      level: fc.constantFrom("emerg", "alert", "crit", "err", "notice", "info", "debug", "audit"),
      group: fc.nat({ max: 0xffff }),
      snapLength: fc.integer({ min: 1, max: 0xffffffff }),
      queueThreshold: fc.integer({ min: 1, max: 0xffff }),
      flags: fc.integer({ min: 1, max: 0x3f }),
    },
    { requiredKeys: ["type"] },
  ),
  unknown: fc.record({
    type: fc.constant("unknown"),
    name: fc.constantFrom("dynset", "objref", "quota", "exthdr", "queue"),
    data: hex(0, 40),
  }),
};

export const expression: fc.Arbitrary<Expression> = plain(fc.oneof(...Object.values(expressionsByType)));
