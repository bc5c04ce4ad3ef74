/** Chance and time that come out the same each time. */
import { createHash } from "node:crypto";

/** Bytes that follow from a seed. */
export function randomFrom(seed: string): (count: number) => Uint8Array {
  let drawn = 0;
  return (count) => createHash("shake256", { outputLength: count }).update(`${seed} ${drawn++}`).digest();
}

/** A clock that goes on by a second whenever it is read. */
export function clockFrom(second: number): () => bigint {
  let now = second;
  return () => BigInt(now++) * 1_000_000_000n;
}
