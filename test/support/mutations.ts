/** Packets gone wrong: the same ones for the same seed, by a generator that is quick enough for millions. */

/** Returns whole numbers from 0 to below a limit (mulberry32, by Tommy Ettinger). */
export function numbersFrom(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** Bytes at which a DNS packet is most easily led astray: lengths, pointers, counts. */
const telling = [0, 1, 0x29, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff];

/** Writes one of the samples, damaged in some places or none, into `packet`; its length. */
export function mutate(random: (limit: number) => number, samples: readonly Uint8Array[], packet: Uint8Array): number {
  const pick = (): Uint8Array => samples[random(samples.length)] ?? new Uint8Array();
  const sample = pick();
  packet.set(sample);
  let length = sample.length;
  for (let damages = random(5); damages > 0; damages--) {
    const at = random(length + 1);
    switch (random(7)) {
      case 0:
        packet[at] = (packet[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        packet[at] = telling[random(telling.length)] ?? 0;
        break;
      case 2:
        length = at;
        break;
      case 3:
        // The head: flags and counts.
        packet[2 + random(10)] = random(256);
        break;
      case 4: {
        // The end of another one.
        const other = pick();
        const from = random(other.length + 1);
        const end = Math.min(packet.length, at + other.length - from);
        packet.set(other.subarray(from, from + end - at), at);
        length = end;
        break;
      }
      case 5:
        packet.copyWithin(at, random(length + 1), length);
        break;
      default:
        for (let more = random(40); more > 0 && length < packet.length; more--) packet[length++] = random(256);
    }
  }
  return length;
}
