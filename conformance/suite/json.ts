/** JSON as it arrives: read by path, since nothing that a plugin prints can be trusted to have a shape. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An object of JSON, such as a network configuration. */
export type JsonObject = { readonly [key: string]: Json };

/** The value at a path of keys and indexes; undefined where there is none. */
export function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  let here = value;
  for (const step of path) {
    if (typeof here !== "object" || here === null) return undefined;
    // A list is indexed as an object is: by own keys only, so that "length" is no value.
    here = Object.hasOwn(here, step) ? (here as { readonly [key: string]: Json })[String(step)] : undefined;
  }
  return here;
}

/** The list at a path; empty where there is none. */
export function list(value: Json | undefined, ...path: readonly (string | number)[]): readonly Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path; undefined where there is none. */
export function text(value: Json | undefined, ...path: readonly (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** Whether a value is an object, not a list. */
export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One JSON document; undefined where the text is none. */
export function parse(source: string): Json | undefined {
  try {
    return JSON.parse(source) as Json;
  } catch {
    return undefined;
  }
}
