/**
 * User data: bytes that the kernel keeps with an object for the tools. The nft tool stores them as a series of type, length (one
 * byte each) and value (libnftnl's udata.h); a comment is text with a closing zero byte.
 */

/** The type that a comment has in the user data of each object (NFTNL_UDATA_*_COMMENT). */
export const commentType = { table: 0, rule: 0 } as const;

export interface UserDatum {
  readonly type: number;
  readonly value: Uint8Array;
}

/** The bytes of user data; values of at most 255 bytes. */
export function encodeUserData(data: readonly UserDatum[]): Uint8Array {
  return Buffer.concat(data.flatMap(({ type, value }) => [Uint8Array.of(type, value.length), value]));
}

/** What user data hold; a tail that is cut short is left out, because anybody may have written it. */
export function decodeUserData(bytes: Uint8Array): readonly UserDatum[] {
  const data: UserDatum[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const [type = 0, length = 0] = bytes.subarray(at, at + 2);
    if (at + 2 + length > bytes.length) break;
    data.push({ type, value: bytes.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return data;
}

/** User data that hold a comment alone; nft allows 127 bytes. */
export function encodeComment(type: number, comment: string): Uint8Array {
  return encodeUserData([{ type, value: Buffer.from(`${comment}\0`) }]);
}

/** The comment in user data. */
export function decodeComment(type: number, bytes: Uint8Array): string | undefined {
  const datum = decodeUserData(bytes).find((candidate) => candidate.type === type);
  return datum && Buffer.from(datum.value).toString("utf8").replace(/\0.*$/s, "");
}
