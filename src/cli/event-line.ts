/** Events as lines, in the manner of `docker events`, and which of them a filter lets through. */
import type { ControllerEvent, Filters } from "../model/types.ts";
import { UsageError } from "./usage-error.ts";

/** `2026-01-02T03:04:05.000000001Z network create 4f2c… (name=front, driver=bridge)`. */
export function eventLine({ time, type, action, id, name, attributes }: ControllerEvent): string {
  const details = Object.entries({ name, ...attributes })
    .filter(([, value]) => value !== "")
    .map(([key, value]) => `${key}=${value}`);
  const known = id === "" ? [] : [id];
  return [timeText(time), type, action, ...known, ...(details.length > 0 ? [`(${details.join(", ")})`] : [])].join(" ");
}

/** Nanoseconds since 1970 as RFC 3339 text with all of them. */
export function timeText(time: bigint): string {
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(time % 1_000_000_000n).padStart(9, "0")}Z`;
}

const matchers: Readonly<Record<string, (event: ControllerEvent, value: string) => boolean>> = {
  type: ({ type }, value) => type === value,
  action: ({ action }, value) => action === value,
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => name.includes(value),
  label: ({ attributes }, value) => {
    const [key = "", ...rest] = value.split("=");
    return Object.hasOwn(attributes, key) && (rest.length === 0 || attributes[key] === rest.join("="));
  },
};

/** Whether every key of the filters matches by one of its values. Throws UsageError for a key that there is not. */
export function eventMatches(event: ControllerEvent, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => {
    if (!Object.hasOwn(matchers, key)) {
      throw new UsageError(`events have no filter "${key}"`, `there are ${Object.keys(matchers).join(", ")}`);
    }
    return values.some((value) => matchers[key]?.(event, value) ?? false);
  });
}
