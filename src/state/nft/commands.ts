/** nft commands that do what the engine does, for a POSIX shell. */
import { PortolanError } from "../../errors.ts";
import type { NftChain, NftElement, NftRule, NftSet, NftTable } from "../objects.ts";
import { ruleComment, tableComment } from "./ownership.ts";
import { ruleText } from "./rule-text.ts";
import { partsText, quoted } from "./value-text.ts";

/** The table family of an object. */
const familyOf = ({ family }: Pick<NftTable, "family">): "inet" | "bridge" => family ?? "inet";

/** A word or text in single quotes for the shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function addTable(table: NftTable): string {
  return `nft add table ${familyOf(table)} ${table.name} ${shellQuoted(table.owned ? "{ flags owner ; }" : `{ comment ${quoted(tableComment)} ; }`)}`;
}

export function deleteTable(table: NftTable): string {
  return `nft delete table ${familyOf(table)} ${table.name}`;
}

/** nft's names of priorities in inet; those of address translation stand for other numbers on other hooks. */
const priorityNames = new Map([
  [-300, "raw"],
  [-150, "mangle"],
  [0, "filter"],
  [50, "security"],
]);

function priorityText({ hook, priority }: NonNullable<NftChain["base"]>): string {
  if (hook === "prerouting" && priority === -100) return "dstnat";
  if (hook === "postrouting" && priority === 100) return "srcnat";
  return priorityNames.get(priority) ?? String(priority);
}

export function addChain(chain: NftChain): string {
  const { table, name, base } = chain;
  const command = `nft add chain ${familyOf(chain)} ${table} ${name}`;
  if (base === undefined) return command;
  const hook = `type ${base.type} hook ${base.hook} priority ${chain.family === undefined ? priorityText(base) : base.priority}; policy ${base.policy};`;
  return `${command} ${shellQuoted(`{ ${hook} }`)}`;
}

export function setPolicy(chain: NftChain): string {
  return `nft chain ${familyOf(chain)} ${chain.table} ${chain.name} ${shellQuoted(`{ policy ${chain.base?.policy ?? "accept"}; }`)}`;
}

export function deleteChain(chain: NftChain): string {
  return `nft delete chain ${familyOf(chain)} ${chain.table} ${chain.name}`;
}

const wordOf = ({ data }: Pick<NftSet, "data">): string => (data ? "map" : "set");

export function addSet(set: NftSet): string {
  const data = set.data ? ` : ${set.data.join(" . ")}` : "";
  const flags = set.interval ? " flags interval;" : "";
  const type = `{ type ${set.key.join(" . ")}${data};${flags} }`;
  return `nft add ${wordOf(set)} ${familyOf(set)} ${set.table} ${set.name} ${shellQuoted(type)}`;
}

export function deleteSet(set: NftSet): string {
  return `nft delete ${wordOf(set)} ${familyOf(set)} ${set.table} ${set.name}`;
}

function elementText({ type, key, data }: NftElement, withData: boolean): string {
  const value = withData && data && type.data ? ` : ${partsText(type.data, data)}` : "";
  return `${partsText(type.key, key)}${value}`;
}

/** One command for elements that are all of the same set. */
function elementCommand(verb: "add" | "delete", elements: readonly NftElement[]): string {
  const [first] = elements;
  if (first === undefined) throw new PortolanError("internal", "an element command needs an element");
  const list = elements.map((element) => elementText(element, verb === "add")).join(", ");
  return `nft ${verb} element ${familyOf(first)} ${first.table} ${first.set} ${shellQuoted(`{ ${list} }`)}`;
}

/** Adds elements that are all of the same set. */
export function addElements(elements: readonly NftElement[]): string {
  return elementCommand("add", elements);
}

/** Deletes elements that are all of the same set. */
export function deleteElements(elements: readonly NftElement[]): string {
  return elementCommand("delete", elements);
}

/** A shell expression for the handle of a rule, which only the kernel knows. */
function handleOf(rule: NftRule): string {
  const comment = quoted(ruleComment(rule));
  const script = `s/.* comment ${comment.replaceAll(/[.*[\]\\/^$]/g, "\\$&")} # handle //p`;
  return `$(nft -a list chain ${familyOf(rule)} ${rule.table} ${rule.chain} | sed -n ${shellQuoted(script)})`;
}

const textOf = (rule: NftRule): string =>
  shellQuoted(`${ruleText(rule.expressions)} comment ${quoted(ruleComment(rule))}`);

/** Adds a rule at the end of its chain. */
export function addRule(rule: NftRule): string {
  return `nft add rule ${familyOf(rule)} ${rule.table} ${rule.chain} ${textOf(rule)}`;
}

/** Adds a rule before the first of ours that has a greater position: where it belongs in a chain that has rules already. */
export function placeRule(rule: NftRule): string {
  const chain = `${familyOf(rule)} ${rule.table} ${rule.chain}`;
  const awk = [
    `BEGIN { place = "add rule ${chain}" }`,
    `!found && match($0, /comment "portolan [0-9]+ /) { split(substr($0, RSTART), word, " ")`,
    `if (word[3] + 0 > ${rule.position}) { place = "insert rule ${chain} handle " $NF; found = 1 } }`,
    "END { print place }",
  ].join("; ");
  return `nft $(nft -a list chain ${chain} | awk ${shellQuoted(awk)}) ${textOf(rule)}`;
}

export function deleteRule(rule: NftRule): string {
  return `nft delete rule ${familyOf(rule)} ${rule.table} ${rule.chain} handle ${handleOf(rule)}`;
}
