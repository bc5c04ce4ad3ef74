/**
 * Where tests make an operation fail: changes to kernel and store are counted as they are made, and the one with a given number fails, or kills the
 * process. A test arms number 1, 2, 3, … until the operation runs through without meeting its fault.
 */
import { constants } from "node:os";
import type { KernelRefusal } from "../../src/kernel/kernel.ts";
import { refusalOf } from "../../src/kernel/syscalls.ts";

/** Name of an errno. */
export type Errno = keyof typeof constants.errno;

export interface Fault {
  /** Which change from the arming on fails: 1 is the next. */
  readonly at: number;
  /** What the kernel answers instead of making it; default EIO. */
  readonly errno?: Errno;
  /** Called before the change is refused, and before it is made: to kill the process there, say. */
  readonly strike?: (change: string) => void;
}

/** Counts changes. One can be shared by a kernel and a store: then the numbers run through both. */
export class Faults {
  #tried: string[] = [];
  #starts: number[] = [];
  #fault: Fault | undefined;
  #struck: string | undefined;

  /** Starts counting at 0 and lets a change fail, once; without a fault only counts. */
  arm(fault?: Fault): void {
    this.#tried = [];
    this.#starts = [];
    this.#fault = fault;
    this.#struck = undefined;
  }

  /** Changes tried since the arming. */
  get count(): number {
    return this.#tried.length;
  }

  /** The same in words. */
  get tried(): readonly string[] {
    return this.#tried;
  }

  /**
   * Numbers of the changes with which a call begins, be it of one change or of many. Who is killed at a change is killed before its call, so that these are all the states in which a
   * process can end.
   */
  get starts(): readonly number[] {
    return this.#starts;
  }

  /** The change that failed, in words; undefined where none has yet. */
  get struck(): string | undefined {
    return this.#struck;
  }

  /** What the kernel answers to the change that fails. */
  get code(): Errno {
    return this.#fault?.errno ?? "EIO";
  }

  /** The same as a refusal. */
  get refusal(): KernelRefusal {
    return refusalOf(constants.errno[this.code]);
  }

  /** Counts a change that is about to be made, `along` with the one before in the same call; whether it is to fail. */
  meets(change: string, along = false): boolean {
    this.#tried.push(change);
    if (!along) this.#starts.push(this.#tried.length);
    if (this.#fault?.at !== this.#tried.length) return false;
    this.#struck = change;
    this.#fault.strike?.(change);
    return true;
  }
}
