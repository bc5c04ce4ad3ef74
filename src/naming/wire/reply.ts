/** Writes replies into the packet that asked: id and question stay where they are, in the case that the asker chose. */
import { headerLength, highFlag, lowFlag, optLength, recordType } from "./constants.ts";
import type { Query } from "./query.ts";

/** What we take by UDP ourselves, bytes: told in the OPT records of our replies. */
export const ownUdpSize = 4096;

/** What of a query that was read its reply depends on. */
export type Replied = Pick<Query, "end" | "edns" | "dnssecOk">;

/** Turns the header of a query that was read into that of a reply with so many answers; a `code` beyond 15 needs an OPT record. */
export function writeHeader(bytes: Uint8Array, start: number, query: Replied, code: number, answers: number): void {
  turnHeader(bytes, start, code);
  bytes[start + 6] = answers >> 8;
  bytes[start + 7] = answers & 0xff;
  bytes[start + 10] = 0;
  bytes[start + 11] = query.edns ? 1 : 0;
}

/** Turns a query into a reply that is its header alone: for those whose question could not be read. Bytes of the reply. */
export function writeBareReply(bytes: Uint8Array, start: number, code: number): number {
  turnHeader(bytes, start, code);
  bytes.fill(0, start + 4, start + headerLength);
  return headerLength;
}

function turnHeader(bytes: Uint8Array, start: number, code: number): void {
  const kept = (bytes[start + 2] ?? 0) & (highFlag.operation | highFlag.recursionDesired);
  bytes[start + 2] = highFlag.response | kept;
  bytes[start + 3] =
    lowFlag.recursionAvailable | ((bytes[start + 3] ?? 0) & lowFlag.checkingDisabled) | (code & lowFlag.code);
}

/** Says of a reply that not everything is in it. */
export function markTruncated(bytes: Uint8Array, start: number): void {
  bytes[start + 2] = (bytes[start + 2] ?? 0) | highFlag.truncated;
}

/** Writes an OPT record; `code` is the reply's, whose upper bits stand here (RFC 6891 §6.1.3). */
export function writeOpt(bytes: Uint8Array, at: number, code: number, dnssecOk: boolean): void {
  bytes[at] = 0;
  bytes[at + 1] = 0;
  bytes[at + 2] = recordType.opt;
  bytes[at + 3] = ownUdpSize >> 8;
  bytes[at + 4] = ownUdpSize & 0xff;
  bytes[at + 5] = code >> 4;
  bytes[at + 6] = 0;
  bytes[at + 7] = dnssecOk ? 0x80 : 0;
  bytes[at + 8] = 0;
  bytes[at + 9] = 0;
  bytes[at + 10] = 0;
}

/** Turns a query that was read into a reply without records; bytes of the reply. */
export function writeEmptyReply(bytes: Uint8Array, start: number, query: Replied, code: number): number {
  writeHeader(bytes, start, query, code, 0);
  if (!query.edns) return query.end;
  writeOpt(bytes, start + query.end, code, query.dnssecOk);
  return query.end + optLength;
}
