/** The registers of a rule, as far as they are known. */
import { type Hex, type Register, slotOf } from "../../kernel/netlink/nftables/values.ts";

/** Hexadecimal digits of a slot of 4 bytes. */
const digits = 8;

export class Registers {
  /** What 4-byte slots hold. */
  readonly #slots = new Map<number, Hex>();

  /** Puts a value of `length` bytes into a register; undefined: something that is not known. */
  set(register: Register, value: Hex | undefined, length: number): void {
    const first = slotOf(register);
    const count = Math.ceil(length / 4);
    for (let at = 0; at < count; at++) {
      if (value === undefined) this.#slots.delete(first + at);
      else this.#slots.set(first + at, value.slice(at * digits, (at + 1) * digits).padEnd(digits, "0"));
    }
  }

  /** The first `length` bytes of a register; undefined where some are not known. */
  get(register: Register, length: number): Hex | undefined {
    const first = slotOf(register);
    let value = "";
    for (let at = 0; at < Math.ceil(length / 4); at++) {
      const slot = this.#slots.get(first + at);
      if (slot === undefined) return undefined;
      value += slot;
    }
    return value.slice(0, 2 * length);
  }

  /** Nothing is known any more. */
  forget(): void {
    this.#slots.clear();
  }
}
