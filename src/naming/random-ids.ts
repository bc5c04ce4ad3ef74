/** Numbers that nobody can guess: ids of forwarded queries, and which socket sends them. */
import { randomBytes } from "../kernel/syscalls.ts";

/** Returns a source of integers from 0 to 65535, from the kernel's random bytes. */
export function createRandomNumbers(): () => number {
  const bytes = new Uint8Array(new ArrayBuffer(256));
  const numbers = new Uint16Array(bytes.buffer);
  let used = numbers.length;
  return () => {
    if (used === numbers.length) {
      randomBytes(bytes);
      used = 0;
    }
    return numbers[used++] ?? 0;
  };
}
