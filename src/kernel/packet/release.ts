/**
 * Closes packet sockets on the threads of Node's pool. The kernel lets one go when no processor can be using it any more (synchronize_net in packet_release): that
 * takes 12 ms, during which the engine's thread would do nothing.
 */
import { closeElsewhere } from "../syscalls.ts";

/** Of the four threads of the pool half: others want to read files. */
const atOnce = 2;

/** A function that closes a descriptor some time after it was called. */
export function createRelease(): (descriptor: number) => void {
  const waiting: number[] = [];
  let closing = 0;

  function closeNext(): void {
    const descriptor = waiting.shift();
    if (descriptor === undefined) return;
    closing++;
    closeElsewhere(descriptor, () => {
      closing--;
      closeNext();
    });
  }

  return (descriptor) => {
    waiting.push(descriptor);
    if (closing < atOnce) closeNext();
  };
}
