/** Random bytes in small pieces: asking the system for each costs more than an attachment can spare. */
import { randomFillSync } from "node:crypto";

/** Bytes drawn at a time. */
const drawn = 4096;

/** A source of random bytes; no byte is given out twice. At most 4096 at once. */
export function createRandom(): (count: number) => Uint8Array {
  const pool = new Uint8Array(drawn);
  let used = drawn;
  return (count) => {
    if (used + count > drawn) {
      randomFillSync(pool);
      used = 0;
    }
    const piece = pool.slice(used, used + count);
    pool.fill(0, used, used + count);
    used += count;
    return piece;
  };
}
