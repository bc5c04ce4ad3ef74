/**
 * What marks nftables objects as the engine's own: the comment of its table, and of each of its rules. Chains, sets and elements
 * are its own because they are in its table. A rule without such a comment is an administrator's and is left alone.
 */
import { PortolanError } from "../../errors.ts";
import type { NftRule } from "../nft-objects.ts";

/** The comment of the engine's table. */
export const tableComment = "managed by portolan";

/** Longest comment that the nft tool takes, bytes. */
const commentLimit = 127;

/** The comment of a rule: its position in the chain and its id; throws `internal` where that cannot be read back. */
export function ruleComment({ position, id }: Pick<NftRule, "position" | "id">): string {
  const comment = `portolan ${position} ${id}`;
  if (Buffer.byteLength(comment) > commentLimit || parseRuleComment(comment) === undefined || comment.includes('"')) {
    throw new PortolanError("internal", `"${comment}" cannot be the comment of an nft rule`, {
      advice: `the position is a natural number, the id a line without double quotes, both at most ${commentLimit} bytes`,
    });
  }
  return comment;
}

/** Position and id in a rule's comment; undefined where the rule is somebody else's. */
export function parseRuleComment(comment: string | undefined): Pick<NftRule, "position" | "id"> | undefined {
  const [, position, id] = /^portolan (\d{1,9}) (.+)$/.exec(comment ?? "") ?? [];
  return id === undefined ? undefined : { position: Number(position), id };
}

/** A chain's rules in the kernel's order, those marked that stand behind a rule of a greater position, or that somebody doubled. */
export function markMisplaced(rules: readonly NftRule[]): readonly NftRule[] {
  const doubled = new Set(rules.map(({ id }) => id).filter((id, at, ids) => ids.indexOf(id) !== at));
  let greatest = 0;
  return rules.map((rule) => {
    const misplaced = rule.position < greatest || doubled.has(rule.id);
    greatest = Math.max(greatest, rule.position);
    return misplaced ? { ...rule, misplaced } : rule;
  });
}
