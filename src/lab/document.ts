/**
 * Reads YAML documents strictly: readers for each form of value, and refusals that name file, line and key. Nothing here knows what
 * the document is about.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { isPortolanError, PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";

/** A value in the document: where it is, and what it is. */
export class Place {
  readonly #source: Source;
  readonly #node: Node | undefined;
  /** Keys that lead here: `networks.front.subnet`. */
  readonly path: string;

  constructor(source: Source, node: Node | undefined, path: string) {
    this.#source = source;
    this.#node = isAlias(node) ? node.resolve(source.document) : node;
    this.path = path;
  }

  /** The refusal of this value. */
  refusal(message: string, advice?: string): PortolanError {
    const offset = this.#node?.range?.[0] ?? 0;
    const where = `${this.#source.name}:${this.#source.lines.linePos(offset).line || 1}`;
    return new PortolanError("invalid-argument", `${where}: ${this.path === "" ? "" : `${this.path}: `}${message}`, {
      object: where,
      ...(advice !== undefined && { advice }),
    });
  }

  /** Whether there is nothing: no value, or null. */
  get empty(): boolean {
    return this.#node === undefined || (isScalar(this.#node) && this.#node.value === null);
  }

  get isMapping(): boolean {
    return isMap(this.#node);
  }

  get isList(): boolean {
    return isSeq(this.#node);
  }

  /** Entries of a mapping with any keys; nothing where there is no value. */
  entries(): readonly (readonly [string, Place])[] {
    if (this.empty) return [];
    if (!isMap(this.#node)) throw this.refusal("expected a mapping of keys to values");
    return this.#node.items.map(({ key, value }) => {
      const keyPlace = new Place(this.#source, key as Node, this.path);
      if (!isScalar(key) || key.value === null) throw keyPlace.refusal("a key must be text");
      const name = String(key.value);
      const path = this.path === "" ? name : `${this.path}.${name}`;
      // A key without a value has no node of its own: its place is the key's.
      return [name, new Place(this.#source, (value ?? key) as Node, path).#orNothing(value === null)];
    });
  }

  /** The values of a mapping by known keys; throws for one that is unknown, naming the nearest. */
  fields<Key extends string>(known: readonly Key[]): Readonly<Partial<Record<Key, Place>>> {
    const fields: Partial<Record<Key, Place>> = {};
    for (const [name, place] of this.entries()) {
      const key = known.find((candidate) => candidate === name);
      if (key === undefined) {
        throw place.refusal(
          "unknown key",
          `did you mean "${nearest(name, known)}"? The keys here are ${known.join(", ")}`,
        );
      }
      if (!place.empty) fields[key] = place;
    }
    return fields;
  }

  /** Items of a list. */
  items(): readonly Place[] {
    if (!isSeq(this.#node)) throw this.refusal("expected a list");
    return this.#node.items.map((item, index) => new Place(this.#source, item as Node, `${this.path}[${index}]`));
  }

  /** Items of a list, or the value itself where it is no list. */
  itemsOrOne(): readonly Place[] {
    return this.isList ? this.items() : [this];
  }

  /** Text; numbers and truth values are taken as they are written. */
  text(): string {
    const node = this.#node;
    if (isScalar(node) && node.value !== null) {
      return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    }
    throw this.refusal("expected text");
  }

  /** A truth value: `true`, `false`, `yes`, `no`. */
  flag(): boolean {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (value === true || value === "yes") return true;
    if (value === false || value === "no") return false;
    throw this.refusal("expected yes or no");
  }

  /** A whole number within bounds. */
  integer(from: number, to: number): number {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= from && value <= to) return value;
    throw this.refusal(`expected a whole number from ${from} to ${to}`);
  }

  /** Text that `parse` takes; its refusal gets this place. */
  parsed<Value>(parse: (text: string) => Value): Value {
    const text = this.text();
    try {
      return parse(text);
    } catch (error) {
      if (isPortolanError(error)) throw this.refusal(error.message, error.advice);
      throw error;
    }
  }

  /** A mapping of text to text. */
  texts(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries().map(([key, place]) => [key, place.text()]));
  }

  #orNothing(nothing: boolean): Place {
    return nothing ? new NoValue(this.#source, this.#node, this.path) : this;
  }
}

/** The place of a key without a value. */
class NoValue extends Place {
  override get empty(): boolean {
    return true;
  }
}

interface Source {
  /** As the user knows the file. */
  readonly name: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** Reads YAML text; throws `invalid-argument` with the line where it is none. */
export function readDocument(name: string, text: string): Place {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const where = `${name}:${lines.linePos(problem.pos[0]).line}`;
    throw new PortolanError("invalid-argument", `${where}: ${problem.message}`, { object: where });
  }
  return new Place({ name, document, lines }, document.contents ?? undefined, "");
}
