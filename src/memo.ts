/** What was made last, kept for who asks for the same again. */

/** A pure function of a text that remembers its last `limit` results. What it throws is not remembered. */
export function remembering<Result>(limit: number, make: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = make(text);
    const [oldest] = known.keys();
    if (known.size >= limit && oldest !== undefined) known.delete(oldest);
    known.set(text, made);
    return made;
  };
}
