/** A call of a plugin on its way to the daemon: the type, the environment and the input in one body, each text ended by a zero, an empty one before the input. */
import type { Execution } from "./call.ts";

/** Content type of the body. */
export const callType = "application/vnd.portolan.cni-call";

/** Reads a body; undefined where it is none. */
export function readExecution(body: Uint8Array): Execution | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const texts: string[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0, start);
    if (end < 0) return undefined;
    if (end === start && texts.length > 0) break;
    texts.push(bytes.toString("utf8", start, end));
    start = end + 1;
  }
  const [type = "", ...variables] = texts;
  const environment = Object.fromEntries(
    variables.map((variable) => {
      const equals = variable.indexOf("=");
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );
  return { type, environment, input: bytes.toString("utf8", start + 1) };
}

/** The body of a call. */
export function writeExecution({ type, environment, input }: Execution): Buffer {
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}\0`);
  return Buffer.from(`${type}\0${variables.join("")}\0${input}`);
}
