/** Published ports at their simplest: a list of what is taken, and the first that is free. */
import type { PublishWish } from "./commands.ts";

/** Ports of the host in a row; without an address those of all. */
export interface HostPorts {
  readonly protocol: string;
  readonly address?: string;
  readonly first: number;
  readonly last: number;
}

/** Ports that an endpoint is to have; undefined: any, which only the controller knows. */
export type Allotted = HostPorts | undefined;

interface Wish extends Omit<HostPorts, "first" | "last"> {
  /** The ports from which it is chosen; absent: all those for the taking. */
  readonly among?: { readonly first: number; readonly last: number };
  readonly count: number;
}

const wishPattern = /^(?:(\d+(?:\.\d+){3}):)?(?:(\d+)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/;

function read(text: PublishWish): Wish {
  const [, address, first, last = first, inside, lastInside = inside, protocol = "tcp"] = wishPattern.exec(text) ?? [];
  const isAny = first === undefined || first === "0";
  return {
    protocol,
    ...(address !== undefined && { address }),
    ...(!isAny && { among: { first: Number(first), last: Number(last) } }),
    count: Number(lastInside) - Number(inside) + 1,
  };
}

/** Whether two cannot be had at once. */
export const exclude = (a: HostPorts, b: HostPorts): boolean =>
  a.protocol === b.protocol &&
  a.first <= b.last &&
  b.first <= a.last &&
  (a.address === undefined || b.address === undefined || a.address === b.address);

/** The ports that wishes get in their order, beside what is taken; undefined where one of them gets none. */
export function allot(wishes: readonly PublishWish[], taken: readonly HostPorts[]): readonly Allotted[] | undefined {
  const given: Allotted[] = [];
  for (const { protocol, address, among, count } of wishes.map(read)) {
    if (among === undefined) {
      given.push(undefined);
      continue;
    }
    const others = [...taken, ...given.filter((one) => one !== undefined)];
    const starts = Array.from({ length: among.last - among.first - count + 2 }, (_, at) => among.first + at);
    const found = starts
      .map(
        (first): HostPorts => ({ protocol, ...(address !== undefined && { address }), first, last: first + count - 1 }),
      )
      .find((one) => !others.some((other) => exclude(one, other)));
    if (found === undefined) return undefined;
    given.push(found);
  }
  return given;
}
