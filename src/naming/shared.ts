/** Values that many have alike, kept once for all who have them. */

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  users: number;
}

export class Shared<Value extends object> {
  readonly #byKey = new Map<string, Entry<Value>>();
  readonly #byValue = new Map<Value, Entry<Value>>();

  /** The value of a key, made by the first who takes it; {@link giveBack} gives it back. */
  take(key: string, make: () => Value): Value {
    let entry = this.#byKey.get(key);
    if (entry === undefined) {
      entry = { key, value: make(), users: 0 };
      this.#byKey.set(key, entry);
      this.#byValue.set(entry.value, entry);
    }
    entry.users++;
    return entry.value;
  }

  /** Forgets a value that nobody has any more. */
  giveBack(value: Value): void {
    const entry = this.#byValue.get(value);
    if (entry === undefined || --entry.users > 0) return;
    this.#byKey.delete(entry.key);
    this.#byValue.delete(value);
  }
}
