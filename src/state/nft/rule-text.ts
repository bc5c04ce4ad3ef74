/**
 * A rule in the words of the nft tool: a small decompiler for the expressions that src/state/nft/statements builds. Given back to
 * nft, the text makes the same expressions (the kernel tests hold this for every builder).
 */
import type { Compare, Expression, Lookup } from "../../kernel/netlink/nftables/expressions.ts";
import { type Hex, hexToBytes, type Register, slotOf, verdictRegister } from "../../kernel/netlink/nftables/values.ts";
import { actionText, natText } from "./action-text.ts";
import { verdictText } from "./elements.ts";
import { type Content, loadedContent, unwritable } from "./register-text.ts";
import type { Guard } from "./selectors.ts";
import { bytesText } from "./value-text.ts";
import { ctStates, ctStatuses, prefixMask, valueTypes } from "./value-type.ts";

/** The text of a rule's expressions; throws `internal` for one that the builders do not make. */
export function ruleText(expressions: readonly Expression[]): string {
  const decompiler = new Decompiler();
  expressions.forEach((expression, index) => {
    decompiler.run(expression, expressions[index + 1]);
  });
  return decompiler.finish();
}

/** Runs a rule's expressions on texts in place of packets. */
class Decompiler {
  readonly #words: string[] = [];
  readonly #registers = new Map<number, Content>();
  readonly #known = new Map<Guard["key"], string>();
  /** Protocol checks that may yet prove to be those that nft adds by itself. */
  #pending: Guard[] = [];
  /** The lower end of a range whose upper end the next comparison is. */
  #from: Hex | undefined;

  run(expression: Expression, next: Expression | undefined): void {
    const loaded = loadedContent(expression, this.#known);
    if (loaded && "to" in expression && expression.to !== undefined) {
      this.#registers.set(slotOf(expression.to), loaded);
      return;
    }
    switch (expression.type) {
      case "bitwise":
        this.#registers.set(slotOf(expression.to), { ...this.#content(expression.from), mask: expression.mask });
        break;
      case "cmp":
        this.#compare(expression, next);
        break;
      case "range":
        this.#say(this.#take(expression.from), (content) => {
          const range = `${bytesText(content.type, expression.first)}-${bytesText(content.type, expression.last)}`;
          return `${content.text} ${expression.operation === "!=" ? "!= " : ""}${range}`;
        });
        break;
      case "lookup":
        this.#lookup(expression);
        break;
      case "verdict":
        this.#emit(verdictText(expression), []);
        break;
      case "nat":
      case "masquerade":
      case "redirect": {
        const targets = [...this.#registers.values()];
        this.#emit(
          natText(expression, (register) => this.#registers.get(slotOf(register))),
          targets.flatMap((target) => target.implies),
        );
        this.#registers.clear();
        break;
      }
      case "meta-set":
      case "ct-set": {
        const value = this.#take(expression.from);
        const type = expression.key === "mark" ? "mark" : "boolean";
        const text = value.constant === undefined ? value.text : setValueText(type, value.constant);
        this.#emit(`${expression.type === "ct-set" ? "ct" : "meta"} ${expression.key} set ${text}`, value.implies);
        break;
      }
      default:
        this.#emit(actionText(expression), impliedBy(expression));
    }
  }

  finish(): string {
    this.#flush();
    return this.#words.join(" ");
  }

  #content(register: Register): Content {
    const content = this.#registers.get(slotOf(register));
    if (content === undefined) throw unwritable({ type: "unknown", name: "register", data: String(register) });
    return content;
  }

  /** The content of a register that the expression uses up. */
  #take(register: Register): Content {
    const content = this.#content(register);
    this.#registers.clear();
    return content;
  }

  /** The key that begins at a register: everything loaded side by side since the last statement. */
  #takeKey(): { readonly text: string; readonly implies: readonly Guard[] } {
    const parts = [...this.#registers.entries()].sort(([a], [b]) => a - b).map(([, content]) => content);
    this.#registers.clear();
    return {
      text: parts.map((part) => maskedText(part)).join(" . "),
      implies: parts.flatMap((part) => part.implies),
    };
  }

  #lookup(expression: Lookup): void {
    const key = this.#takeKey();
    if (expression.to === undefined) {
      this.#emit(`${key.text} ${expression.inverted ? "!= " : ""}@${expression.set}`, key.implies);
    } else if (expression.to === verdictRegister) {
      this.#emit(`${key.text} vmap @${expression.set}`, key.implies);
    } else {
      const text = `${key.text} map @${expression.set}`;
      this.#registers.set(slotOf(expression.to), { text, type: "mark", implies: key.implies });
    }
  }

  #compare(expression: Compare, next: Expression | undefined): void {
    const content = this.#content(expression.from);
    if (expression.operation === ">=" && next?.type === "cmp" && next.operation === "<=") {
      this.#from = expression.value;
      return;
    }
    const from = this.#from;
    this.#from = undefined;
    this.#registers.clear();
    if (from !== undefined) {
      this.#say(
        content,
        () => `${content.text} ${bytesText(content.type, from)}-${bytesText(content.type, expression.value)}`,
      );
      return;
    }
    const guard = guardOf(content, expression);
    if (guard) {
      this.#known.set(guard.key, guard.value);
      this.#pending.push(guard);
      return;
    }
    this.#say(content, () => comparisonText(content, expression));
    if (isProtocolField(content) && expression.operation === "==") {
      this.#known.set("l4proto", bytesText(content.type, expression.value));
    }
  }

  #say(content: Content, text: (content: Content) => string): void {
    this.#emit(text(content), content.implies);
  }

  /** Writes a statement, after the pending protocol checks but those that nft would add, in that order, by itself. */
  #emit(text: string, implies: readonly Guard[]): void {
    const places = this.#pending.map((guard) => implies.findIndex((implied) => sameGuard(implied, guard)));
    let written = places.length;
    while (written > 0 && inOrder(places.slice(written - 1))) written--;
    this.#pending.length = written;
    this.#flush();
    this.#words.push(text);
  }

  #flush(): void {
    for (const { key, value } of this.#pending) this.#words.push(`meta ${key} ${value}`);
    this.#pending = [];
  }
}

const sameGuard = (a: Guard, b: Guard): boolean => a.key === b.key && a.value === b.value;

/** Whether places in a list ascend, all of them found. */
const inOrder = (places: readonly number[]): boolean => places.every((place, i) => place > (places[i - 1] ?? -1));

/** A header field by which nft learns the transport protocol. */
const isProtocolField = ({ text, mask }: Content): boolean =>
  mask === undefined && (text === "ip protocol" || text === "ip6 nexthdr");

/** A plain `meta nfproto X` or `meta l4proto X`. */
function guardOf(content: Content, { operation, value }: Compare): Guard | undefined {
  if (operation !== "==" || content.mask !== undefined) return undefined;
  if (content.text === "meta nfproto") return { key: "nfproto", value: bytesText(content.type, value) };
  if (content.text === "meta l4proto") return { key: "l4proto", value: bytesText(content.type, value) };
  return undefined;
}

function comparisonText(content: Content, { operation, value }: Compare): string {
  const sign = operation === "==" ? "" : `${operation} `;
  const prefix = prefixText(content, value);
  if (prefix !== undefined) return `${content.text} ${sign}${prefix}`;
  if (content.mask === undefined) return `${content.text} ${sign}${bytesText(content.type, value)}`;
  const bits = operation === "!=" && /^0*$/.test(value) ? bitsText(content, content.mask) : undefined;
  if (bits !== undefined) return `${content.text} ${bits}`;
  return `${maskedText(content)} ${operation} ${bytesText(content.type, value)}`;
}

function maskedText(content: Content): string {
  return content.mask === undefined ? content.text : `${content.text} & ${bytesText(content.type, content.mask)}`;
}

/** `10.0.0.0/8`, compared as the bytes that were loaded or under the mask of a prefix. */
function prefixText(content: Content, value: Hex): string | undefined {
  const codec = valueTypes[content.type];
  if (content.length !== undefined) {
    const padded = Buffer.alloc(codec.length);
    padded.set(hexToBytes(value));
    return `${codec.decode(padded)}/${8 * content.length}`;
  }
  if (content.mask === undefined || codec.byteOrder === "host") return undefined;
  const mask = hexToBytes(content.mask);
  const bits = mask.reduce((count, byte) => count + Math.clz32(~(byte << 24)), 0);
  if (Buffer.compare(mask, prefixMask(bits, mask.length)) !== 0) return undefined;
  return `${codec.decode(hexToBytes(value))}/${bits}`;
}

/** The names of the bits that a mask asks for: `established,related`. */
function bitsText(content: Content, mask: Hex): string | undefined {
  const names = content.type === "ct_state" ? ctStates : content.type === "ct_status" ? ctStatuses : undefined;
  const bits = Buffer.from(mask, "hex").readUInt32LE();
  return (
    names &&
    Object.entries(names)
      .flatMap(([name, bit]) => (bits & bit ? [name] : []))
      .join(",")
  );
}

function setValueText(type: "mark" | "boolean", constant: Hex): string {
  return type === "mark" ? bytesText(type, constant) : String(Number.parseInt(constant, 16));
}

/** `reject with tcp reset` makes nft ask for TCP. */
function impliedBy(expression: Expression): readonly Guard[] {
  if (expression.type !== "reject" || expression.with !== "tcp-reset") return [];
  return [{ key: "l4proto", value: "tcp" }];
}
