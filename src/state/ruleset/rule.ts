/** What one rule does to a packet: whether it meets it, and then what. */
import { readAttributes } from "../../kernel/netlink/attribute.ts";
import type { Expression, Verdict } from "../../kernel/netlink/nftables/expressions.ts";
import { type Hex, hexToBytes, type Register, verdictRegister } from "../../kernel/netlink/nftables/values.ts";
import { type Condition, readMatch, targetEffect } from "../../kernel/xtables/conditions.ts";
import { destinationType, type LinkIndexes, loaded, stateNew, statusTranslated, type TrialPacket } from "./packet.ts";
import type { RulesetElement } from "./read.ts";
import { Registers } from "./registers.ts";

/** What a rule that meets a packet does. */
export type Effect = Verdict | { readonly verdict: "translate destination" | "unknown" };

export interface Meeting {
  /** False where something is open that would have to be known: it may meet the packet, or not. */
  readonly certain: boolean;
  readonly effect: Effect;
}

/** What a rule is looked at with. */
export interface Trial {
  readonly packet: TrialPacket;
  readonly indexOf: LinkIndexes;
  /** Elements of a set of the rule's table. */
  readonly elementsOf: (set: string) => readonly RulesetElement[];
}

/** What is found out about an expression: the rule ends here, goes on, may end here, or decides. */
type Step = "no" | "yes" | "maybe" | Effect;

/** How a rule meets a packet; undefined where it does not. `effects` are several where a map decides by what is not known. */
export function meet(expressions: readonly Expression[], trial: Trial): readonly Meeting[] {
  const registers = new Registers();
  let certain = true;
  for (const expression of expressions) {
    if (expression.type === "lookup" && expression.to === verdictRegister) {
      return decisions(expression, trial, registers, certain);
    }
    const step = look(expression, trial, registers);
    if (step === "no") return [];
    if (step === "maybe") certain = false;
    else if (step !== "yes") return [{ certain, effect: step }];
  }
  return [{ certain, effect: { verdict: "continue" } }];
}

function look(expression: Expression, trial: Trial, registers: Registers): Step {
  switch (expression.type) {
    case "meta":
    case "payload":
    case "ct":
    case "fib": {
      const value = loaded(trial.packet, expression, trial.indexOf);
      registers.set(expression.to, value, value === undefined ? longestLoad : value.length / 2);
      return "yes";
    }
    case "immediate":
      registers.set(expression.to, expression.value, expression.value.length / 2);
      return "yes";
    case "bitwise":
      registers.set(expression.to, masked(expression, registers), expression.length);
      return "yes";
    case "cmp": {
      const { from, operation, value } = expression;
      const held = registers.get(from, value.length / 2);
      return held === undefined ? "maybe" : yesOrNo(compare(held, operation, value));
    }
    case "range": {
      const { from, operation, first, last } = expression;
      const held = registers.get(from, first.length / 2);
      return held === undefined ? "maybe" : yesOrNo((held >= first && held <= last) === (operation === "=="));
    }
    case "lookup":
      return lookUp(expression, trial, registers);
    case "numgen":
    case "jhash":
      registers.set(expression.to, undefined, 4);
      return "yes";
    case "verdict":
      return expression;
    case "reject":
      return { verdict: "drop" };
    case "nat":
      return { verdict: expression.kind === "dnat" ? "translate destination" : "accept" };
    case "redirect":
      return { verdict: "translate destination" };
    case "masquerade":
      return { verdict: "accept" };
    case "limit":
      return "maybe";
    case "counter":
    case "log":
    case "notrack":
    case "payload-set":
    case "meta-set":
    case "ct-set":
      return "yes";
    case "unknown":
      return lookAtUnknown(expression, trial.packet, registers);
  }
}

/** Bytes of the longest value that is loaded: an address. */
const longestLoad = 16;

const yesOrNo = (fact: boolean): "yes" | "no" => (fact ? "yes" : "no");

function compare(held: Hex, operation: Extract<Expression, { type: "cmp" }>["operation"], value: Hex): boolean {
  switch (operation) {
    case "==":
      return held === value;
    case "!=":
      return held !== value;
    case "<":
      return held < value;
    case "<=":
      return held <= value;
    case ">":
      return held > value;
    case ">=":
      return held >= value;
  }
}

function masked(
  { from, length, mask, xor }: Extract<Expression, { type: "bitwise" }>,
  registers: Registers,
): Hex | undefined {
  const held = registers.get(from, length);
  if (held === undefined) return undefined;
  const [bytes, masks, flips] = [hexToBytes(held), hexToBytes(mask), hexToBytes(xor)];
  return Buffer.from(bytes.map((byte, at) => (byte & (masks[at] ?? 0)) ^ (flips[at] ?? 0))).toString("hex");
}

type Lookup = Extract<Expression, { type: "lookup" }>;

/** Whether an element holds a value. Ranges of a concatenation hold it in each part, which only their ends together do not tell. */
const holds = ({ key, last }: RulesetElement, value: Hex): boolean =>
  last === undefined ? key === value : key <= value && value <= last;

function lookUp({ set, from, to, inverted }: Lookup, { elementsOf }: Trial, registers: Registers): Step {
  const known = registers.get(from, 1) !== undefined;
  // A set may be large: it is read only where something is known to look for.
  const elements = known ? elementsOf(set) : [];
  const value = valueFor(from, elements, registers);
  if (to !== undefined) registers.set(to, undefined, longestLoad);
  if (!known) return "maybe";
  if (value === undefined) return elements.length === 0 ? yesOrNo(inverted === true) : "maybe";
  return yesOrNo(elements.some((element) => holds(element, value)) !== (inverted === true));
}

/** What is looked up: as many bytes as the set's keys have. */
function valueFor(from: Register, elements: readonly RulesetElement[], registers: Registers): Hex | undefined {
  const [first] = elements;
  return first === undefined ? undefined : registers.get(from, first.key.length / 2);
}

/** What a verdict map decides: one thing, or any of its elements' where what it looks up is not known. */
function decisions(
  { set, from }: Lookup,
  { elementsOf }: Trial,
  registers: Registers,
  certain: boolean,
): readonly Meeting[] {
  const elements = elementsOf(set);
  const value = valueFor(from, elements, registers);
  const fitting = value === undefined ? elements : elements.filter((element) => holds(element, value));
  return fitting.flatMap(({ data }) =>
    typeof data === "object" ? [{ certain: certain && value !== undefined, effect: data }] : [],
  );
}

/** NFTA_MATCH_* and NFTA_TARGET_* */
const extensionAttribute = { name: 1, revision: 2, info: 3 } as const;

function lookAtUnknown(
  { name, data }: Extract<Expression, { type: "unknown" }>,
  packet: TrialPacket,
  registers: Registers,
): Step {
  if (name === "match" || name === "target") {
    const attributes = readAttributes(hexToBytes(data));
    const extension = attributes.get(extensionAttribute.name)?.string() ?? "";
    const revision = attributes.get(extensionAttribute.revision)?.be32() ?? 0;
    const info = Buffer.from(attributes.get(extensionAttribute.info)?.value ?? []);
    return name === "match" ? fulfils(packet, readMatch(extension, revision, info)) : endsBy(extension);
  }
  if (name === "queue") return { verdict: "unknown" };
  // It may have loaded a register, or end the rule.
  registers.forget();
  return "maybe";
}

function fulfils(packet: TrialPacket, condition: Condition): Step {
  switch (condition.type) {
    case "always":
      return "yes";
    case "unknown":
      return "maybe";
    case "state": {
      const inState = (condition.state & stateNew) !== 0;
      const translated = packet.translated && (condition.status & statusTranslated) !== 0;
      return yesOrNo((inState || translated) !== condition.not);
    }
    case "port": {
      const { port } = packet;
      if (port === undefined) return "maybe";
      return yesOrNo(condition.ranges.some(([first, last]) => port >= first && port <= last) !== condition.not);
    }
    case "destination":
      return yesOrNo(((condition.types & (1 << destinationType(packet))) !== 0) !== condition.not);
  }
}

function endsBy(target: string): Step {
  const effect = targetEffect(target);
  switch (effect) {
    case "nothing":
      return "yes";
    case "end":
      return { verdict: "accept" };
    default:
      return { verdict: effect };
  }
}
