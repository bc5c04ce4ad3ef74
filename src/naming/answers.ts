/**
 * Answers from the records, made once for each view and question and then copied: what varies from reply to reply is where the row of records begins. All of
 * them are dropped when anything changes; making one again takes microseconds.
 */
import { find, type View } from "./lookup.ts";
import type { LogLine } from "./query-log.ts";
import type { Records } from "./records.ts";
import { codeName, headerLength, internetClass, responseCode, typeName } from "./wire/constants.ts";
import { printedName, questionName } from "./wire/name.ts";
import { fold, type Query } from "./wire/query.ts";

/** Lifetime of our records, seconds: libnetwork's. */
const lifetime = 600;
/** Answers kept at most: names that nobody has are not among them, so it takes many names of ours to fill it. */
const keptAnswers = 8192;

/** What is answered to a question. */
export interface Answer {
  readonly view: View;
  /** The question's bytes, letters of its name in lower case. */
  readonly question: Uint8Array;
  readonly count: number;
  /** Bytes of a record. */
  readonly size: number;
  /** The records, all of one size, and once more: any `count` in a row are an answer. */
  readonly records: Buffer;
  /** Where the next reply's row begins. */
  turn: number;
  readonly log: Readonly<Record<"udp" | "tcp", LogLine>>;
}

export class Answers {
  readonly #records: Records;
  /** By hash of view and question; of two with one hash the later stays. */
  readonly #kept = new Map<number, Answer>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** Drops all answers, because the records have changed. */
  flush(): void {
    this.#kept.clear();
  }

  /** The answer to a query that was read; undefined where the name is not known here. */
  answerTo(view: View, bytes: Buffer, start: number, query: Query): Answer | undefined {
    const key = query.hash ^ view.salt;
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.view === view && isSame(kept.question, bytes, start + headerLength, query))
      return kept;
    const made = this.#make(view, bytes, start, query);
    if (made === undefined) return undefined;
    if (this.#kept.size >= keptAnswers) this.flush();
    this.#kept.set(key, made);
    return made;
  }

  #make(view: View, bytes: Buffer, start: number, query: Query): Answer | undefined {
    if (query.class !== internetClass) return undefined;
    const name = questionName(bytes, start, query.nameEnd);
    const found = name === undefined ? undefined : find(this.#records, view, name, query.type);
    if (name === undefined || found === undefined) return undefined;
    const question = Uint8Array.from(bytes.subarray(start + headerLength, start + query.end));
    for (let i = 0; i < query.nameEnd - headerLength; i++) question[i] = fold(question[i] ?? 0);
    const { data, type, reason } = found;
    const records = Buffer.concat(data.map((one) => encodeRecord(type, one)));
    const line = {
      name: printedName(name),
      type: typeName(query.type),
      code: codeName(responseCode.ok),
      from: "records",
      ...(reason !== undefined && { reason }),
    } as const;
    return {
      view,
      question,
      count: data.length,
      size: data.length === 0 ? 0 : records.length / data.length,
      records: Buffer.concat([records, records]),
      turn: 0,
      log: { udp: { ...line, transport: "udp" }, tcp: { ...line, transport: "tcp" } },
    };
  }
}

/** Whether a kept question is the one that stands at `at`: equal hashes prove nothing. */
function isSame(question: Uint8Array, bytes: Uint8Array, at: number, query: Query): boolean {
  const length = query.end - headerLength;
  if (question.length !== length) return false;
  const nameLength = query.nameEnd - headerLength;
  for (let i = 0; i < nameLength; i++) if (question[i] !== fold(bytes[at + i] ?? 0)) return false;
  for (let i = nameLength; i < length; i++) if (question[i] !== bytes[at + i]) return false;
  return true;
}

/** A record of the question's name (RFC 1035 §4.1.3); its name is a pointer to the question's. */
function encodeRecord(type: number, data: Uint8Array): Uint8Array {
  const fixed = 12;
  const record = Buffer.alloc(fixed + data.length);
  record.writeUInt16BE(0xc000 | headerLength, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(internetClass, 4);
  record.writeUInt32BE(lifetime, 6);
  record.writeUInt16BE(data.length, 10);
  record.set(data, fixed);
  return record;
}
