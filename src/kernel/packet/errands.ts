/**
 * What takes the kernel long with packet sockets, done on the threads of Node's pool so that the engine's thread goes on. A frame for everybody is copied to every port of the bridge
 * before the call returns, 1 ms with 600 ports. A socket that is closed is let go when no processor can be using it any more (synchronize_net in packet_release), which takes 12 ms.
 */
import { closeElsewhere, sendElsewhere } from "../syscalls.ts";

/** Of the four threads of the pool half: others want to read files. */
const atOnce = 2;

interface Sending {
  readonly descriptor: number;
  readonly frame: Uint8Array;
  readonly address: Uint8Array;
}

/** The errands of one kernel seam. Frames go first, one at a time, in the order in which they were given. */
export class Errands {
  readonly #frames: Sending[] = [];
  readonly #closings: number[] = [];
  /** Whose frame is on its way. */
  #sending: number | undefined;
  #busy = 0;

  /** Sends a frame to a socket address. Whether it could be sent nobody hears. */
  send(descriptor: number, frame: Uint8Array, address: Uint8Array): void {
    this.#frames.push({ descriptor, frame, address });
    this.#next();
  }

  /** Closes a descriptor when its frames are sent. */
  close(descriptor: number): void {
    this.#closings.push(descriptor);
    this.#next();
  }

  #next(): void {
    while (this.#busy < atOnce && (this.#sendNext() || this.#closeNext())) this.#busy++;
  }

  #sendNext(): boolean {
    if (this.#sending !== undefined) return false;
    const next = this.#frames.shift();
    if (next === undefined) return false;
    this.#sending = next.descriptor;
    sendElsewhere(next.descriptor, next.frame, next.address, () => {
      this.#sending = undefined;
      this.#done();
    });
    return true;
  }

  #closeNext(): boolean {
    const isIdle = (descriptor: number): boolean =>
      descriptor !== this.#sending && !this.#frames.some((frame) => frame.descriptor === descriptor);
    const at = this.#closings.findIndex(isIdle);
    const [next] = at === -1 ? [] : this.#closings.splice(at, 1);
    if (next === undefined) return false;
    closeElsewhere(next, () => this.#done());
    return true;
  }

  #done(): void {
    this.#busy--;
    this.#next();
  }
}
