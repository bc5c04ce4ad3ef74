/** Random bytes in small pieces: asking the system for each costs more than an attachment can spare. */
import { randomBytes } from "../kernel/syscalls.ts";

/** Bytes drawn at a time: what getrandom(2) gives at once. */
const drawn = 256;

/** A source of random bytes; no byte is given out twice. At most 256 at once. */
export function createRandom(): (count: number) => Uint8Array {
  const pool = new Uint8Array(drawn);
  let used = drawn;
  return (count) => {
    if (used + count > drawn) {
      randomBytes(pool);
      used = 0;
    }
    const piece = pool.slice(used, used + count);
    pool.fill(0, used, used + count);
    used += count;
    return piece;
  };
}
