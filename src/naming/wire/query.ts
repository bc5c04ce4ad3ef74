/**
 * Reads a query where it lies: header, question and OPT record, without making anything. Everything a packet can be comes by here, so every offset is checked
 * against its end, and what is no query is told apart from what is a bad one.
 */
import {
  dnssecOk,
  headerLength,
  highFlag,
  longestLabel,
  longestName,
  plainUdpSize,
  questionTail,
  recordType,
} from "./constants.ts";

/** A query as read; offsets count from the packet's first byte. One is made and filled again for every packet. */
export interface Query {
  /** Behind the root label of the question's name. */
  nameEnd: number;
  /** Behind the question. */
  end: number;
  type: number;
  class: number;
  /** Of name (ASCII letters taken as lower case), type and class; an integer. */
  hash: number;
  /** Whether it has an OPT record, and where. */
  edns: boolean;
  optAt: number;
  /** What its asker takes by UDP: at least 512 bytes. */
  udpSize: number;
  /** EDNS version. */
  version: number;
  /** DO of its OPT record. */
  dnssecOk: boolean;
}

export const emptyQuery = (): Query => ({
  nameEnd: 0,
  end: 0,
  type: 0,
  class: 0,
  hash: 0,
  edns: false,
  optAt: 0,
  udpSize: plainUdpSize,
  version: 0,
  dnssecOk: false,
});

/** What a packet is. */
export const verdict = {
  /** A query, read whole. */ query: 0,
  /** No query at all: too short, or a response. Whoever answers these can be made to talk to himself. */ noQuery: 1,
  /** A query that breaks the rules. */ malformed: 2,
  /** Another operation than a query. */ otherOperation: 3,
} as const;

/** The lower case of an ASCII letter; every other byte as it is (RFC 4343 §3). */
export function fold(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}

/** FNV-1a's start and factor. */
const hashStart = 0x811c9dc5 | 0;
const hashFactor = 0x01000193;

const word = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Reads the packet of `length` bytes at `start` into `query`; what it is, as a {@link verdict}. */
export function readQuery(bytes: Uint8Array, start: number, length: number, query: Query): number {
  if (length < headerLength) return verdict.noQuery;
  const flags = bytes[start + 2] ?? 0;
  if ((flags & highFlag.response) !== 0) return verdict.noQuery;
  if ((flags & highFlag.operation) !== 0) return verdict.otherOperation;
  // One question and nothing but additional records.
  if (word(bytes, start + 4) !== 1 || word(bytes, start + 6) !== 0 || word(bytes, start + 8) !== 0) {
    return verdict.malformed;
  }
  const stop = start + length;
  let at = start + headerLength;
  let hash = hashStart;
  for (;;) {
    if (at >= stop) return verdict.malformed;
    const label = bytes[at] ?? 0;
    hash = Math.imul(hash ^ label, hashFactor);
    at++;
    if (label === 0) break;
    // A pointer has nothing before it to point to.
    if (label > longestLabel) return verdict.malformed;
    const next = at + label;
    if (next >= stop || next - start - headerLength >= longestName) return verdict.malformed;
    for (; at < next; at++) hash = Math.imul(hash ^ fold(bytes[at] ?? 0), hashFactor);
  }
  if (at + questionTail > stop) return verdict.malformed;
  query.nameEnd = at - start;
  query.type = word(bytes, at);
  query.class = word(bytes, at + 2);
  query.hash = Math.imul(Math.imul(hash ^ query.type, hashFactor) ^ query.class, hashFactor);
  query.end = query.nameEnd + questionTail;
  query.edns = false;
  query.udpSize = plainUdpSize;
  query.version = 0;
  query.dnssecOk = false;
  const additional = word(bytes, start + 10);
  return additional === 0 ? verdict.query : readAdditional(bytes, start, stop, additional, query);
}

/** Type, class, lifetime and length of a record's data (RFC 1035 §4.1.3), bytes. */
const recordTail = 10;

function readAdditional(bytes: Uint8Array, start: number, stop: number, count: number, query: Query): number {
  let at = start + query.end;
  for (let record = 0; record < count; record++) {
    const tail = skipName(bytes, at, stop);
    if (tail < 0 || tail + recordTail > stop) return verdict.malformed;
    const next = tail + recordTail + word(bytes, tail + 8);
    if (next > stop) return verdict.malformed;
    if (word(bytes, tail) === recordType.opt) {
      // One, and of the root (RFC 6891 §6.1.1).
      if (query.edns || tail !== at + 1) return verdict.malformed;
      query.edns = true;
      query.optAt = at - start;
      query.udpSize = Math.max(plainUdpSize, word(bytes, tail + 2));
      query.version = bytes[tail + 5] ?? 0;
      query.dnssecOk = ((bytes[tail + 6] ?? 0) & dnssecOk) !== 0;
    }
    at = next;
  }
  return verdict.query;
}

/** Behind the name at `at`, which may end in a compression pointer; -1 where it does not end before `stop`. */
export function skipName(bytes: Uint8Array, at: number, stop: number): number {
  for (let place = at; place < stop; ) {
    const label = bytes[place] ?? 0;
    if (label === 0) return place + 1;
    if (label >= 0xc0) return place + 2 <= stop ? place + 2 : -1;
    if (label > longestLabel) return -1;
    place += label + 1;
  }
  return -1;
}
