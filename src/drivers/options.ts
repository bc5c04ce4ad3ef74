/**
 * Driver options: a table of what is understood and how its text is read, and refusals that name the nearest valid one. An option
 * that is not in the table is refused, never accepted and dropped.
 */
import { type Family, familyOf, type IpAddress, isAssignable, parseIp } from "../address/ip.ts";
import { isPortolanError, PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";

/** How the text of each option is read; a reader throws `invalid-option`. */
export type OptionTable = Readonly<Record<string, (text: string, key: string) => unknown>>;

/** What a table makes of the options given: absent where the option was not given. */
export type ReadOptions<Table extends OptionTable> = { readonly [Key in keyof Table]?: ReturnType<Table[Key]> };

/** Options of networks whose driver has addresses, for what a request says by fields of its own: which families there are. */
export const familyOptions = { 4: "com.docker.network.enable_ipv4", 6: "com.docker.network.enable_ipv6" } as const;

/** Reads the options given by a table; throws `invalid-option` for an unknown or malformed one. */
export function readOptions<Table extends OptionTable>(
  driver: string,
  what: "network" | "endpoint",
  table: Table,
  given: Readonly<Record<string, string>>,
): ReadOptions<Table> {
  const read: Record<string, unknown> = {};
  for (const [key, text] of Object.entries(given)) {
    const reader = Object.hasOwn(table, key) ? table[key] : undefined;
    if (reader === undefined) throw unknownOption(driver, what, key, Object.keys(table));
    read[key] = reader(text, key);
  }
  // The table's own readers made every value.
  return read as ReadOptions<Table>;
}

/** Refuses every option; for drivers that understand none. Throws `invalid-option`. */
export function refuseOptions(
  driver: string,
  what: "network" | "endpoint",
  given: Readonly<Record<string, string>>,
): void {
  readOptions(driver, what, {}, given);
}

function unknownOption(driver: string, what: string, key: string, known: readonly string[]): PortolanError {
  const near = nearest(key, known);
  return new PortolanError("invalid-option", `the ${driver} driver has no ${what} option "${key}"`, {
    object: `option "${key}"`,
    advice:
      near === undefined
        ? `leave it out: the ${driver} driver takes no ${what} options`
        : `did you mean "${near}"? It takes ${known.join(", ")}`,
  });
}

/** The refusal of an option's value. */
export function malformedOption(key: string, text: string, advice: string): PortolanError {
  return new PortolanError("invalid-option", `option "${key}" cannot be "${text}"`, {
    object: `option "${key}"`,
    advice,
  });
}

/** Reads a truth value as Go's strconv.ParseBool does, which docker's users know. */
export function readBoolean(text: string, key: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw malformedOption(key, text, "give true or false");
}

/** A reader of whole numbers within bounds. */
export function readWithin(from: number, to: number): (text: string, key: string) => number {
  return (text, key) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (from <= value && value <= to) return value;
    throw malformedOption(key, text, `give a whole number from ${from} to ${to}`);
  };
}

/** The kernel's bounds of an Ethernet MTU: ETH_MIN_MTU (RFC 791's 68) and ETH_MAX_MTU, bytes. */
const mtuBounds = { smallest: 68, largest: 65535 } as const;

/** Reads an MTU in bytes. 0 means "as the kernel chooses", as with docker, and is read as undefined. */
export function readMtu(text: string, key: string): number | undefined {
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (mtu === 0) return undefined;
  if (mtu >= mtuBounds.smallest && mtu <= mtuBounds.largest) return mtu;
  throw malformedOption(key, text, `give a number of bytes from ${mtuBounds.smallest} to ${mtuBounds.largest}`);
}

/** IFNAMSIZ less the final zero: longest name of a link, bytes. */
const longestLinkName = 15;

/** Reads the name of a link by the kernel's rules (dev_valid_name), without `%`, which it fills in itself. */
export function readLinkName(text: string, key: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const bad = text === "" || text === "." || text === ".." || /[/:%\s\u0000-\u001f\u007f]/.test(text);
  if (!bad && Buffer.byteLength(text) <= longestLinkName) return text;
  throw malformedOption(key, text, `give a link name of 1 to ${longestLinkName} bytes without space, "/", ":" or "%"`);
}

/** Reads the prefix of link names; numbers of up to three digits must fit after it. */
export function readLinkPrefix(text: string, key: string): string {
  readLinkName(text, key);
  if (Buffer.byteLength(text) <= longestLinkName - 3) return text;
  throw malformedOption(key, text, `give at most ${longestLinkName - 3} bytes: a number comes after it`);
}

/** Reads names of links, parted by colons. */
export function readLinkNames(text: string, key: string): readonly string[] {
  const names = text.split(":").filter((name) => name !== "");
  if (names.length === 0) throw malformedOption(key, text, "give names of links, parted by colons");
  return [...new Set(names.map((name) => readLinkName(name, key)))];
}

/** Makes a reader of one of several words. */
export function readOneOf<const Word extends string>(words: readonly Word[]): (text: string, key: string) => Word {
  return (text, key) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw malformedOption(key, text, `did you mean "${nearest(text, words)}"? It takes ${words.join(", ")}`);
  };
}

/** Makes a reader of an address that a host can have, of one family or either. */
export function readHostAddress(family?: Family): (text: string, key: string) => IpAddress {
  const advice = family === undefined ? "give an address of the host" : `give an IPv${family} address of the host`;
  return (text, key) => {
    const address = parsed(text, key, advice);
    if (isAssignable(address) && (family === undefined || familyOf(address) === family)) return address;
    throw malformedOption(key, text, advice);
  };
}

function parsed(text: string, key: string, advice: string): IpAddress {
  try {
    return parseIp(text);
  } catch (error) {
    if (isPortolanError(error, "invalid-argument")) throw malformedOption(key, text, advice);
    throw error;
  }
}
