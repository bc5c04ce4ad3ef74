/** Numbers of the DNS and their names (RFC 1035 §4.1, IANA "Domain Name System (DNS) Parameters"). */

/** Bytes of a message's header; the question follows. */
export const headerLength = 12;
/** Bytes of type and class behind the name of a question. */
export const questionTail = 4;
/** A name's bytes on the wire, at most (RFC 1035 §2.3.4). */
export const longestName = 255;
/** A label's bytes, at most; greater length bytes are compression pointers. */
export const longestLabel = 63;

export const recordType = { a: 1, ptr: 12, aaaa: 28, opt: 41, any: 255 } as const;

/** IN */
export const internetClass = 1;

export const responseCode = {
  /** NOERROR */ ok: 0,
  /** FORMERR */ formatError: 1,
  /** SERVFAIL */ serverFailure: 2,
  /** NXDOMAIN */ noSuchName: 3,
  /** NOTIMP */ notImplemented: 4,
  /** REFUSED */ refused: 5,
  /** BADVERS: of an EDNS version that we do not speak (RFC 6891 §9). */ badVersion: 16,
} as const;

/** Flags in the third byte of a message. */
export const highFlag = {
  /** QR */ response: 0x80,
  /** OPCODE: 0 is a query. */ operation: 0x78,
  /** TC */ truncated: 0x02,
  /** RD */ recursionDesired: 0x01,
} as const;

/** Flags in the fourth byte; the rest of it is the response code. */
export const lowFlag = {
  /** RA */ recursionAvailable: 0x80,
  /** CD */ checkingDisabled: 0x10,
  /** RCODE */ code: 0x0f,
} as const;

/** What UDP carries without EDNS (RFC 1035 §4.2.1), bytes. */
export const plainUdpSize = 512;
/** An OPT record without options (RFC 6891 §6.1.2), bytes. */
export const optLength = 11;
/** DO: the asker wants DNSSEC's records (RFC 3225), a flag in the seventh byte of an OPT record's fixed part. */
export const dnssecOk = 0x80;

const typeNames: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  15: "MX",
  16: "TXT",
  28: "AAAA",
  33: "SRV",
  35: "NAPTR",
  43: "DS",
  48: "DNSKEY",
  64: "SVCB",
  65: "HTTPS",
  255: "ANY",
  257: "CAA",
};

/** `A`, `AAAA`, …, or `TYPE4711` (RFC 3597 §5). */
export function typeName(type: number): string {
  return typeNames[type] ?? `TYPE${type}`;
}

const codeNames: Readonly<Record<number, string>> = {
  0: "NOERROR",
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
  16: "BADVERS",
};

/** `NOERROR`, `NXDOMAIN`, …, or `RCODE11`. */
export function codeName(code: number): string {
  return codeNames[code] ?? `RCODE${code}`;
}
