/**
 * Things that end some time after they began, all after the same time: so they stand in the order of their deadlines by themselves, and coming, going and
 * asking for the next cost the same among a hundred thousand.
 */

/** What can stand in one {@link Deadlines} at a time. */
export class Timed {
  deadline = 0;
  /** Where it stands, and between whom; {@link Deadlines} alone writes these. */
  standing: { remove(item: Timed): void } | undefined;
  earlier: Timed | undefined;
  later: Timed | undefined;

  /** Ends its time before it is over. */
  leave(): void {
    this.standing?.remove(this);
  }
}

export class Deadlines<Item extends Timed> {
  /** Milliseconds. */
  readonly after: number;
  #first: Timed | undefined;
  #last: Timed | undefined;

  constructor(after: number) {
    this.after = after;
  }

  /** Begins the time of an item, wherever it stood before; `now` in milliseconds never goes back. */
  begin(item: Item, now: number): void {
    item.leave();
    item.deadline = now + this.after;
    item.standing = this;
    item.earlier = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.later = item;
    this.#last = item;
  }

  /** Takes out an item that stands here: what {@link Timed.leave} does. */
  remove(item: Timed): void {
    const { earlier, later } = item;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    item.standing = undefined;
    item.earlier = undefined;
    item.later = undefined;
  }

  /** When the next one is due, milliseconds; Infinity for none. */
  next(): number {
    return this.#first?.deadline ?? Number.POSITIVE_INFINITY;
  }

  /** Takes out the next item that is due. */
  take(now: number): Item | undefined {
    const first = this.#first;
    if (first === undefined || first.deadline > now) return undefined;
    // Only begin() puts items here.
    const item = first as Item;
    item.leave();
    return item;
  }
}
