/** Events: everybody who listens gets all of them from then on, in order; who does not keep up loses the oldest and is told how many. */
import type { ControllerEvent } from "./types.ts";

/** Events that wait for one listener. */
const queueLimit = 1000;

interface Listener {
  readonly queue: ControllerEvent[];
  dropped: number;
  wake: (() => void) | undefined;
}

export class Events {
  readonly #listeners = new Set<Listener>();
  #closed = false;

  /** Tells all listeners; whether there are any. */
  emit(event: ControllerEvent): boolean {
    for (const listener of this.#listeners) {
      if (listener.queue.length === queueLimit) {
        listener.queue.shift();
        listener.dropped++;
      }
      listener.queue.push(event);
      listener.wake?.();
    }
    return this.#listeners.size > 0;
  }

  /** Events from now on, until the signal aborts or the controller closes; what waits then is still told. */
  listen(signal: AbortSignal | undefined, now: () => bigint): AsyncIterable<ControllerEvent> {
    const listener: Listener = { queue: [], dropped: 0, wake: undefined };
    if (!this.#closed) this.#listeners.add(listener);
    const stop = (): void => {
      this.#listeners.delete(listener);
      signal?.removeEventListener("abort", stop);
      listener.wake?.();
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
    return this.#iterate(listener, stop, now);
  }

  async *#iterate(listener: Listener, stop: () => void, now: () => bigint): AsyncGenerator<ControllerEvent> {
    try {
      for (;;) {
        if (listener.dropped > 0) {
          const count = String(listener.dropped);
          listener.dropped = 0;
          yield { time: now(), type: "engine", action: "drop", id: "", name: "events", attributes: { count } };
        }
        const event = listener.queue.shift();
        if (event !== undefined) yield event;
        else if (!this.#listeners.has(listener)) return;
        else {
          await new Promise<void>((resolve) => {
            listener.wake = resolve;
          });
          listener.wake = undefined;
        }
      }
    } finally {
      stop();
    }
  }

  /** Ends every listener's events. */
  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) {
      this.#listeners.delete(listener);
      listener.wake?.();
    }
  }
}
