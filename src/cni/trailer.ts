/**
 * The end of an installed plugin's file, which tells the plugin where the daemon listens and what does a call without one, and everybody else that the plugin
 * is ours. It is text: words apart by tabs, a mark, and how many bytes the words are, in eight digits. Before the mark stand the socket's path, the
 * program's, and the program's first words:
 *
 *     /run/portolan/portolan.sock	/opt/portolan/bin/portolan	PORTOLAN-CNI-1 00000054
 *
 * shim/trailer.c reads the same.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { PortolanError } from "../errors.ts";

/** What an installed plugin knows. */
export interface Installation {
  /** Path of the daemon's socket. */
  readonly socket: string;
  /** Does a call without a daemon, with `cni plugin TYPE` behind it: a program's path, and its first words. */
  readonly command: readonly [program: string, ...words: string[]];
}

const mark = "\tPORTOLAN-CNI-1 ";
const digits = 8;
const endLength = mark.length + digits + 1;

/** What shim/trailer.c has room for: bytes, and words of the command. */
const largest = { bytes: 4096 - endLength, words: 15 };
/** sun_path of unix(7), less its final zero. */
const longestSocketPath = 107;

/** The trailer as text. Throws `invalid-argument` where the plugin could not read it. */
export function trailerOf({ socket, command }: Installation): string {
  if (Buffer.byteLength(socket) > longestSocketPath)
    throw unfit(`the socket's path is longer than ${longestSocketPath} bytes`, socket);
  const words = [socket, ...command];
  const strange = words.find((word) => word === "" || /[\t\n\0]/.test(word));
  if (strange !== undefined) throw unfit("a path is empty, or has a tab or a line's end in it", strange);
  const text = words.join("\t");
  const length = Buffer.byteLength(text);
  if (length > largest.bytes || command.length > largest.words)
    throw unfit("its words are too many or too long", text.slice(0, 200));
  return `${text}${mark}${String(length).padStart(digits, "0")}\n`;
}

const unfit = (reason: string, object: string): PortolanError =>
  new PortolanError("invalid-argument", "a plugin cannot be told where the engine is", { object, reason });

/** Reads the trailer of a file; undefined where it has none. Throws what opening the file throws. */
export function readTrailer(path: string): Installation | undefined {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, largest.bytes + endLength));
    const count = readSync(file, tail, 0, tail.length, size - tail.length);
    return parseTrailer(tail.subarray(0, count));
  } finally {
    closeSync(file);
  }
}

/** Reads the trailer that bytes end with. */
function parseTrailer(tail: Buffer): Installation | undefined {
  const end = tail.subarray(-endLength).toString("latin1");
  const length = end.startsWith(mark) ? /^\d{8}(?=\n$)/.exec(end.slice(mark.length))?.[0] : undefined;
  if (length === undefined || Number(length) > tail.length - endLength) return undefined;
  const text = tail.subarray(tail.length - endLength - Number(length), tail.length - endLength).toString();
  const [socket = "", program, ...words] = text.split("\t");
  return program === undefined ? undefined : { socket, command: [program, ...words] };
}
