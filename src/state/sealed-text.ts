/** Text whose first line tells whether somebody changed the rest since. */
const mark = "# portolan ";
/** Digits of the seal. */
const sealLength = 16;

/** An import of node:crypto takes milliseconds, and a single call may seal nothing. */
const sealOf = (rest: string): string =>
  process.getBuiltinModule("node:crypto").hash("sha256", rest, "hex").slice(0, sealLength);

/** What was sealed last: most sandboxes have the same. */
let last = { rest: "", sealed: `${mark}${sealOf("")}\n` };

/** The text behind a line that seals it. */
export function sealed(rest: string): string {
  if (rest !== last.rest) last = { rest, sealed: `${mark}${sealOf(rest)}\n${rest}` };
  return last.sealed;
}

/** Whether a text is as it was sealed. */
export function isSealed(text: string): boolean {
  const end = text.indexOf("\n");
  return text.startsWith(mark) && text.slice(mark.length, end) === sealOf(text.slice(end + 1));
}
