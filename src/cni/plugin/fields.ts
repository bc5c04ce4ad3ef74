/** The members of a JSON object as Go reads them, which every CNI plugin's users rely on: without regard to case, and refused where the type is another one. */
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { findRaw, type RawObject, readRawObject } from "../protocol/raw-json.ts";

export class Fields {
  readonly raw: RawObject;
  readonly #where: string;

  /** `where` is the path to the object, for refusals; empty for the configuration itself. */
  constructor(raw: RawObject, where = "") {
    this.raw = raw;
    this.#where = where;
  }

  #value(key: string): unknown {
    const text = findRaw(this.raw, key);
    return text === undefined ? undefined : (JSON.parse(text) ?? undefined);
  }

  #wrong(key: string, wanted: string): CniError {
    const path = this.#where === "" ? key : `${this.#where}.${key}`;
    return new CniError(cniCode.undecodable, `the key "${path}" is not ${wanted}: ${findRaw(this.raw, key)}`);
  }

  /** A text; undefined where there is none, or null. Throws CniError 6. */
  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === "string") return value;
    throw this.#wrong(key, "a text");
  }

  /** True or false; false where it is not said. */
  flag(key: string, otherwise = false): boolean {
    const value = this.#value(key) ?? otherwise;
    if (typeof value === "boolean") return value;
    throw this.#wrong(key, "true or false");
  }

  /** A whole number that a double holds. */
  whole(key: string): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw this.#wrong(key, "a whole number");
  }

  /** An object; undefined where there is none, or null. */
  object(key: string): Fields | undefined {
    const text = findRaw(this.raw, key);
    if (text === undefined || text === "null") return undefined;
    if (!text.startsWith("{")) throw this.#wrong(key, "an object");
    return new Fields(readRawObject(text), this.#where === "" ? key : `${this.#where}.${key}`);
  }

  /** A list; empty where there is none, or null. */
  #list(key: string, wanted: string): readonly unknown[] {
    const value = this.#value(key) ?? [];
    if (Array.isArray(value)) return value;
    throw this.#wrong(key, wanted);
  }

  /** A list of texts. */
  texts(key: string): readonly string[] {
    return this.#list(key, "a list of texts").map((one) => {
      if (typeof one === "string") return one;
      throw this.#wrong(key, "a list of texts");
    });
  }

  /** A list of objects. */
  objects(key: string): readonly Fields[] {
    return this.#list(key, "a list of objects").map((one, at) => this.#member(key, one, at));
  }

  /** A list of lists of objects. */
  objectLists(key: string): readonly (readonly Fields[])[] {
    return this.#list(key, "a list of lists of objects").map((list) => {
      if (!Array.isArray(list)) throw this.#wrong(key, "a list of lists of objects");
      return list.map((one, at) => this.#member(key, one, at));
    });
  }

  #member(key: string, value: unknown, at: number): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.#wrong(key, "a list of objects");
    return new Fields(
      readRawObject(JSON.stringify(value)),
      `${this.#where === "" ? "" : `${this.#where}.`}${key}[${at}]`,
    );
  }

  /** Whether the key is there, be it null. */
  has(key: string): boolean {
    return findRaw(this.raw, key) !== undefined;
  }

  /** The value as JSON has it. */
  any(key: string): unknown {
    return this.#value(key);
  }
}
