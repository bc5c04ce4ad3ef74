/** Shortens a nameserver's answer to what its asker takes, at the border of a record, and says so. */
import { headerLength, optLength, questionTail } from "./constants.ts";
import { skipName } from "./query.ts";
import { markTruncated, writeOpt } from "./reply.ts";

/** Behind the record at `at` (RFC 1035 §4.1.3); -1 where it does not end before `stop`. */
function skipRecord(bytes: Buffer, at: number, stop: number): number {
  const tail = skipName(bytes, at, stop);
  if (tail < 0 || tail + 10 > stop) return -1;
  const next = tail + 10 + bytes.readUInt16BE(tail + 8);
  return next > stop ? -1 : next;
}

/**
 * Cuts the answer of `length` bytes at `start`, whose one question has been checked, to at most `limit` bytes (at least 512): as many records of its answer
 * section as fit, none of the others, and an OPT record where `edns` has it. Bytes of what is left. Names in it point backwards only, so they stay whole.
 */
export function cutReply(
  bytes: Buffer,
  start: number,
  length: number,
  limit: number,
  edns: { readonly dnssecOk: boolean } | undefined,
): number {
  const stop = start + length;
  const question = skipName(bytes, start + headerLength, stop) + questionTail;
  const end = start + limit - (edns === undefined ? 0 : optLength);
  const count = bytes.readUInt16BE(start + 6);
  let at = question;
  let kept = 0;
  while (kept < count) {
    const next = skipRecord(bytes, at, stop);
    if (next < 0 || next > end) break;
    at = next;
    kept++;
  }
  bytes.writeUInt16BE(kept, start + 6);
  bytes.writeUInt16BE(0, start + 8);
  bytes.writeUInt16BE(edns === undefined ? 0 : 1, start + 10);
  markTruncated(bytes, start);
  if (edns === undefined) return at - start;
  writeOpt(bytes, at, 0, edns.dnssecOk);
  return at + optLength - start;
}
