/** What whoever asked is told at the end of a forwarded query: a nameserver's answer under his id and in his letters, or a code alone. */
import type { Pending } from "./pending.ts";
import { headerLength, optLength } from "./wire/constants.ts";
import { cutReply } from "./wire/cut.ts";
import { writeEmptyReply } from "./wire/reply.ts";

/** Replies with the answer of `length` bytes at `start`, which is changed there, cut to what the asker takes. */
export function replyWithAnswer(pending: Pending, bytes: Buffer, start: number, length: number): void {
  const { asker, message, questionEnd, limit, edns } = pending;
  const size = length <= limit ? length : cutReply(bytes, start, length, limit, edns ? pending : undefined);
  bytes.writeUInt16BE(pending.id, start);
  message.copy(bytes, start + headerLength, headerLength, questionEnd);
  asker.reply(bytes, start, size);
}

/** Replies with a response code and no records. */
export function replyWithCode(pending: Pending, code: number): void {
  const { asker, message, questionEnd } = pending;
  const reply = Buffer.alloc(questionEnd + optLength);
  message.copy(reply, 0, 0, questionEnd);
  reply.writeUInt16BE(pending.id, 0);
  const length = writeEmptyReply(reply, 0, { end: questionEnd, edns: pending.edns, dnssecOk: pending.dnssecOk }, code);
  asker.reply(reply, 0, length);
}

/**
 * Makes a response that did not fit into its room a whole one that says so: header and question alone. `start` and what is there of it have been received,
 * and `questionEnd` of it checked.
 */
export function emptyTruncated(bytes: Buffer, start: number, questionEnd: number): Buffer {
  const answer = Buffer.from(bytes.subarray(start, start + questionEnd));
  answer.fill(0, 6, headerLength);
  return answer;
}
