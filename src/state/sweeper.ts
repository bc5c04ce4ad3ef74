/**
 * What is done in the pauses. Links that were put out of the way are deleted, all of a namespace by one message, on a thread of Node's pool: that takes the kernel
 * tens of milliseconds. And nothing stays open that would keep somebody's namespace alive.
 */
import { type Kernel, KernelError, type NamespaceRef } from "../kernel/kernel.ts";
import { deleteLinkGroup } from "../kernel/netlink/route/link.ts";
import { departingLinkGroup } from "../kernel/netlink/route/ownership.ts";

/** How often a sweep that fails is tried again before it is left to the next start. */
const sweepTries = 5;
/** How long nobody may have asked for anything, and how long that is waited for at most, milliseconds. */
const pause = 20;
const longestWait = 500;

export class Sweeper {
  readonly #kernel: Kernel;
  /** Namespaces with links that wait for their deletion, and how often it was tried. The host's may hold some from an earlier run. */
  readonly #departing = new Map<NamespaceRef, number>([["host", 0]]);
  #timer: NodeJS.Timeout | undefined;
  #waitingSince = 0;
  #sweeping: Promise<void> | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** A namespace has links that are to be deleted in the next pause. */
  depart(namespace: NamespaceRef): void {
    this.#departing.set(namespace, 0);
  }

  /** The deletions that are under way; undefined where there are none. */
  get sweeping(): Promise<void> | undefined {
    return this.#sweeping;
  }

  /** Called after whatever was done: a pause begins. */
  restSoon(): void {
    const now = performance.now();
    if (this.#timer === undefined) this.#waitingSince = now;
    clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(pause, this.#waitingSince + longestWait - now));
    this.#timer = setTimeout(() => void this.#rest(), wait).unref();
  }

  async #rest(): Promise<void> {
    this.#timer = undefined;
    await this.#sweep();
    this.#kernel.forgetNamespaces();
    if (this.#departing.size > 0) this.restSoon();
  }

  /** Resolves when nothing waits for its deletion any more, and hastens nothing. */
  departed(): Promise<void> {
    if (this.#departing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Deletes what waits; resolves when nothing does. */
  async settle(): Promise<void> {
    while (this.#departing.size > 0) await this.#sweep();
    await this.#sweeping;
  }

  /** Deletes what waits, and ends. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sweep();
    clearTimeout(this.#timer);
  }

  #sweep(): Promise<void> {
    this.#sweeping ??= this.#sweepAll().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweepAll(): Promise<void> {
    for (const [namespace, tries] of [...this.#departing]) {
      const failure = await this.#sweepOne(namespace);
      if (failure === undefined || tries + 1 >= sweepTries) {
        this.#departing.delete(namespace);
        if (failure !== undefined) console.error(`links wait for their deletion until the next start: ${failure}`);
      } else this.#departing.set(namespace, tries + 1);
    }
    if (this.#departing.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Why it could not be done; undefined where it was, or nothing was there. */
  async #sweepOne(namespace: NamespaceRef): Promise<string | undefined> {
    try {
      const refusal = await this.#kernel.sendAside(namespace, "route", deleteLinkGroup(departingLinkGroup));
      return refusal === undefined || refusal.code === "ENODEV" ? undefined : refusal.message;
    } catch (error) {
      if (error instanceof KernelError) return error.refusal.code === "ENOENT" ? undefined : error.message;
      throw error;
    }
  }
}
