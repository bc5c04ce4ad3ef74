/** The loop of the thread that serves: waits for sockets and deadlines on a thread that does nothing else, and calls who is concerned. */
import { Poll } from "../kernel/poll.ts";
import { closeSocket } from "../kernel/syscalls.ts";
import type { Deadlines, Timed } from "./deadlines.ts";

/** Who is told of a descriptor. */
export interface Handler {
  /** `flags`: what of `readiness` (kernel/poll.ts) is the case; also without cause now and then. */
  ready(flags: number): void;
}

/** Sockets told of by one call to the kernel. */
const eventsAtOnce = 256;

interface Watch {
  readonly due: () => number;
  readonly run: (now: number) => void;
}

export class Loop {
  /** Milliseconds of this thread's clock, read when something was ready. */
  now = performance.now();
  readonly #poll = new Poll(eventsAtOnce);
  /** By descriptor: small numbers, given out anew from the lowest. */
  readonly #handlers: (Handler | undefined)[] = [];
  /** By descriptor: the turn in which it was watched. */
  readonly #since: number[] = [];
  #turns = 0;
  readonly #watches: Watch[] = [];
  readonly #beforeEvents: () => void;
  readonly #onFault: (error: unknown) => void;

  /** `beforeEvents` is called before the events of each batch are handled. `onFault` hears of what a handler throws: it ends nobody else's service. */
  constructor(beforeEvents: () => void, onFault: (error: unknown) => void) {
    this.#beforeEvents = beforeEvents;
    this.#onFault = onFault;
  }

  /** Tells a handler of a descriptor's `readiness` flags. */
  watch(fd: number, flags: number, handler: Handler): void {
    this.#poll.add(fd, flags);
    this.#handlers[fd] = handler;
    this.#since[fd] = this.#turns;
  }

  /** Watches for other flags. */
  change(fd: number, flags: number): void {
    this.#poll.change(fd, flags);
  }

  /** Watches a descriptor no more that stays open. */
  unwatch(fd: number): void {
    this.#poll.remove(fd);
    this.#handlers[fd] = undefined;
  }

  /** Closes a socket, watched or not. */
  close(fd: number): void {
    this.#handlers[fd] = undefined;
    closeSocket(fd);
  }

  /** Calls `onDue` for each item whose time is over. */
  expire<Item extends Timed>(deadlines: Deadlines<Item>, onDue: (item: Item) => void): void {
    const run = (now: number): void => {
      for (let item = deadlines.take(now); item !== undefined; item = deadlines.take(now)) onDue(item);
    };
    this.#watches.push({ due: () => deadlines.next(), run });
  }

  /** Waits for one batch of events, at most `longest` milliseconds, and handles them and what is due. */
  turn(longest: number): void {
    let due = performance.now() + longest;
    for (const watch of this.#watches) due = Math.min(due, watch.due());
    const count = this.#poll.wait(Math.max(0, Math.ceil(due - performance.now())));
    this.now = performance.now();
    this.#turns++;
    this.#beforeEvents();
    for (let event = 0; event < count; event++) this.#handle(event);
    for (const watch of this.#watches) {
      try {
        watch.run(this.now);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  #handle(event: number): void {
    const fd = this.#poll.descriptorOf(event);
    // Told of one that had the number before it was closed in this turn, and opened anew. What is so of the new one the kernel tells next time.
    if (this.#since[fd] === this.#turns) return;
    try {
      // Closed by one before it in the batch: nobody's.
      this.#handlers[fd]?.ready(this.#poll.flagsOf(event));
    } catch (error) {
      this.#onFault(error);
    }
  }

  /** Forgets the poll's own descriptor; sockets are their owners' to close. */
  end(): void {
    this.#poll.close();
  }
}
