/** A query that was forwarded and is not answered yet. */
import { Timed } from "../loop/deadlines.ts";
import type { QueryLog } from "./query-log.ts";
import type { Try, Upstream } from "./upstream.ts";
import { headerLength } from "./wire/constants.ts";
import { fold, type Query } from "./wire/query.ts";

/** Who asked, and takes the reply. */
export interface Asker {
  readonly transport: "udp" | "tcp";
  /** The reply is `length` bytes at `start`, and only there until this returns. */
  reply(bytes: Buffer, start: number, length: number): void;
}

/** A sandbox whose queries are forwarded. */
export interface Forwarding {
  readonly log: QueryLog;
  /** In the order in which they are asked. */
  readonly upstreams: readonly Upstream<Pending>[];
  readonly underWay: Set<Pending>;
  /** How many nameservers are being asked by TCP. */
  streams: number;
}

/** What is the case for most queries; shared, so that they weigh less. */
const nobody: ReadonlySet<number> = new Set();
const nothing: readonly string[] = [];

export class Pending extends Timed {
  readonly sandbox: Forwarding;
  /** The sandbox's nameservers when it was asked. */
  readonly upstreams: readonly Upstream<Pending>[];
  readonly asker: Asker;
  /** The query as it came; its id is whichever was sent last. */
  readonly message: Buffer;
  /** The asker's id. */
  readonly id: number;
  readonly questionEnd: number;
  /** Name and type for the log. */
  readonly name: string;
  readonly type: string;
  /** Bytes that its asker takes. */
  readonly limit: number;
  readonly edns: boolean;
  readonly dnssecOk: boolean;
  /** Which nameserver is asked now, and whether for the first time. */
  server = 0;
  round = 0;
  readonly tries: Try[] = [];
  /** Nameservers that need not be asked again, and what each said. */
  settled: ReadonlySet<number> = nobody;
  said: readonly string[] = nothing;
  /** An answer that was cut short by UDP, and who gave it. */
  truncated: { readonly answer: Buffer; readonly from: Upstream<Pending> } | undefined;

  constructor(
    sandbox: Forwarding,
    asker: Asker,
    message: Buffer,
    query: Query,
    limit: number,
    name: string,
    type: string,
  ) {
    super();
    this.sandbox = sandbox;
    this.upstreams = sandbox.upstreams;
    this.asker = asker;
    this.message = message;
    this.id = message.readUInt16BE(0);
    this.questionEnd = query.end;
    this.limit = limit;
    this.edns = query.edns;
    this.dnssecOk = query.dnssecOk;
    this.name = name;
    this.type = type;
  }

  /** Whether the message of `length` bytes at `start` is a response to this query's question; letters may have changed their case. */
  isAnsweredBy(bytes: Uint8Array, start: number, length: number): boolean {
    if (length < this.questionEnd || bytes[start + 4] !== 0 || bytes[start + 5] !== 1) return false;
    const nameEnd = this.questionEnd - 4;
    for (let i = headerLength; i < nameEnd; i++) {
      if (fold(bytes[start + i] ?? 0) !== fold(this.message[i] ?? 0)) return false;
    }
    for (let i = nameEnd; i < this.questionEnd; i++) if (bytes[start + i] !== this.message[i]) return false;
    return true;
  }
}
