/**
 * The way of a query whose answer is known here: read where it lies, found, and answered in place. What is not known here is left to the forwarder, what is no
 * query gets no reply.
 */
import type { Answer, Answers } from "./answers.ts";
import type { View } from "./lookup.ts";
import type { QueryLog } from "./query-log.ts";
import { optLength, responseCode } from "./wire/constants.ts";
import { emptyQuery, type Query, readQuery, verdict } from "./wire/query.ts";
import { markTruncated, writeBareReply, writeEmptyReply, writeHeader, writeOpt } from "./wire/reply.ts";

/** What the responder needs to know of a sandbox. */
export interface Asked {
  readonly view: View;
  readonly log: QueryLog;
}

/** The packet is a query that somebody else has to answer; {@link Responder.query} tells of it. */
export const toForward = -1;
/** Nothing is to be said to the packet. */
export const silence = 0;

export class Responder {
  /** The query read last. */
  readonly query: Query = emptyQuery();
  /** Time of the queries that follow, milliseconds since 1970: the clock is read once for many. */
  now = 0;
  readonly #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  /**
   * Answers the packet of `length` bytes at `start` in its own place, which has room for `room` bytes and at least 512. Bytes of the reply, or
   * {@link toForward} or {@link silence}. By TCP a reply may be as long as its room.
   */
  respond(asked: Asked, transport: "udp" | "tcp", bytes: Buffer, start: number, length: number, room: number): number {
    const { query } = this;
    const { counters } = asked.log;
    const found = readQuery(bytes, start, length, query);
    if (found !== verdict.query) {
      counters.malformed++;
      if (found === verdict.noQuery) return silence;
      return writeBareReply(
        bytes,
        start,
        found === verdict.malformed ? responseCode.formatError : responseCode.notImplemented,
      );
    }
    counters.queries++;
    if (query.version !== 0) return writeEmptyReply(bytes, start, query, responseCode.badVersion);
    const answer = this.#answers.answerTo(asked.view, bytes, start, query);
    if (answer === undefined) return toForward;
    counters.known++;
    asked.log.add(this.now, answer.log[transport]);
    const limit = transport === "tcp" ? room : Math.min(query.udpSize, room);
    return this.#write(answer, bytes, start, limit);
  }

  #write(answer: Answer, bytes: Buffer, start: number, limit: number): number {
    const { query } = this;
    const { count, size, records } = answer;
    let at = start + query.end;
    const space = limit - query.end - (query.edns ? optLength : 0);
    const fitting = count * size <= space ? count : Math.floor(space / size);
    writeHeader(bytes, start, query, responseCode.ok, fitting);
    if (fitting < count) markTruncated(bytes, start);
    if (count > 0) {
      const from = answer.turn * size;
      answer.turn = answer.turn + 1 === count ? 0 : answer.turn + 1;
      const to = from + fitting * size;
      // One record or two: a loop is quicker than the call that copies.
      if (fitting <= 4) for (let i = from; i < to; i++) bytes[at++] = records[i] ?? 0;
      else at += records.copy(bytes, at, from, to);
    }
    if (!query.edns) return at - start;
    writeOpt(bytes, at, responseCode.ok, query.dnssecOk);
    return at + optLength - start;
  }
}
