/**
 * Passages through the host's own filter: rules of ours at the head of the chain FORWARD that iptables keeps in nftables (`iptables-nft`), marked by a comment. The chain
 * is somebody else's: it is never made, and where it is missing there is nothing to pass.
 */
import { KernelError } from "../../kernel/kernel.ts";
import { AttributeWriter } from "../../kernel/netlink/attribute.ts";
import type { NetlinkMessage } from "../../kernel/netlink/message.ts";
import { decodeChain, getChains } from "../../kernel/netlink/nftables/chain.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions.ts";
import type { TableFamily } from "../../kernel/netlink/nftables/message.ts";
import { decodeRule, deleteRule, getRules, newRule } from "../../kernel/netlink/nftables/rule.ts";
import { bytesToHex } from "../../kernel/netlink/nftables/values.ts";
import type { ApplyContext, Kind, ObservedNamespace, Step } from "../kind.ts";
import { inNamespace, inside, namespaceKey } from "../kind.ts";
import { iifname, oifname } from "../nft/selectors.ts";
import { accept, counter, match, rule } from "../nft/statements.ts";
import type { Passage } from "../objects.ts";

const table = "filter";
const chain = "FORWARD";
const familyOf = ({ family }: Passage): TableFamily => (family === 4 ? "ip" : "ip6");

/** The comment of a passage's rules. */
const commentOf = ({ link }: Passage): string => `portolan passage ${link}`;
const commentPattern = /^portolan passage (.+)$/;

/** `struct xt_conntrack_mtinfo3` (linux/netfilter/xt_conntrack.h), as long as it is aligned. */
const matchLength = 168;
/** Where in it stand `match_flags` and `state_mask`. */
const matchOffset = { flags: 146, states: 150 } as const;
/** XT_CONNTRACK_STATE */
const matchesState = 1;
/** XT_CONNTRACK_STATE_BIT of IP_CT_ESTABLISHED and IP_CT_RELATED, and XT_CONNTRACK_STATE_DNAT. */
const states = 0b10 | 0b100 | 0b1000_0000;
/** NFTA_MATCH_* */
const matchAttribute = { name: 1, revision: 2, info: 3 } as const;

/** `-m conntrack --ctstate RELATED,ESTABLISHED,DNAT` as iptables writes it: a chain with nft's own words for it iptables would not show any more. */
function conntrackMatch(): Expression {
  const info = Buffer.alloc(matchLength);
  new DataView(info.buffer, info.byteOffset).setUint16(matchOffset.flags, matchesState, true);
  new DataView(info.buffer, info.byteOffset).setUint16(matchOffset.states, states, true);
  const data = new AttributeWriter()
    .string(matchAttribute.name, "conntrack")
    .be32(matchAttribute.revision, 3)
    .bytes(matchAttribute.info, info)
    .finish();
  return { type: "unknown", name: "match", data: bytesToHex(data) };
}

const [counted, accepted] = [rule(counter()), rule(accept())];

/** What is let through: all that comes from the link, and what goes to it as an answer, or by a published port. */
const expressionsOf = ({ link }: Passage) => [
  [...rule(match(iifname(), "==", link)), ...counted, ...accepted],
  [...rule(match(oifname(), "==", link)), conntrackMatch(), ...counted, ...accepted],
];

type Place = Pick<ApplyContext, "kernel"> | ObservedNamespace;

const hasChain = ({ kernel }: Place, object: Passage): boolean =>
  kernel.dump(object.namespace, "netfilter", getChains(undefined, familyOf(object))).some((message) => {
    const found = decodeChain(message, familyOf(object));
    return found?.table === table && found.name === chain;
  });

const rulesOf = ({ kernel }: Place, object: Passage) =>
  hasChain({ kernel }, object)
    ? kernel
        .dump(object.namespace, "netfilter", getRules(table, chain, familyOf(object)))
        .flatMap((message) => decodeRule(message, familyOf(object)) ?? [])
    : [];

/** Sends messages as one transaction; throws KernelError with the first refusal. */
function send({ kernel }: ApplyContext, object: Passage, messages: readonly NetlinkMessage[]): void {
  if (messages.length === 0) return;
  const refusal = kernel.send(object.namespace, "netfilter", messages).find((one) => one !== undefined);
  if (refusal !== undefined) throw new KernelError(`nft rule in ${familyOf(object)} ${table} ${chain}`, refusal);
}

function open(context: ApplyContext, object: Passage): void {
  if (!hasChain(context, object)) return;
  // Somebody may have left some of them.
  close(context, object);
  const rules = expressionsOf(object).map((expressions) => ({ table, chain, comment: commentOf(object), expressions }));
  send(
    context,
    object,
    rules.map((one) => newRule(one, { before: "all" }, familyOf(object))),
  );
}

function close(context: ApplyContext, object: Passage): void {
  const own = rulesOf(context, object).filter(({ comment }) => comment === commentOf(object));
  send(
    context,
    object,
    own.map(({ handle }) => deleteRule(table, chain, handle, familyOf(object))),
  );
}

const call = (run: (context: ApplyContext) => void): readonly Step[] => [{ type: "call", run }];

export const passage: Kind<Passage> = {
  key: ({ namespace, family, link }) => `passage ${namespace} ${family} ${link}`,
  references: ({ namespace }) => [namespaceKey(namespace)],
  words: ({ namespace, family, link }) =>
    `passage of link ${link} through the IPv${family} filter ${inNamespace(namespace)}`,
  create: (object) => call((context) => open(context, object)),
  update: () => undefined,
  delete: (object) => call((context) => close(context, object)),
  observe: ({ namespaces, desired }) =>
    namespaces
      .filter(({ namespace }) => namespace === "host")
      .flatMap((from) =>
        ([4, 6] as const).flatMap((family): readonly Passage[] => {
          const base = { kind: "passage", namespace: from.namespace, family } as const;
          const wanted = desired.filter((object) => object.kind === "passage" && object.family === family);
          // Where nothing is in the way, all of them are open.
          if (!hasChain(from, { ...base, link: "" })) return wanted.filter((object) => object.kind === "passage");
          const links = rulesOf(from, { ...base, link: "" }).flatMap(
            ({ comment }) => commentPattern.exec(comment ?? "")?.[1] ?? [],
          );
          const whole = [...Map.groupBy(links, (link) => link)].filter(
            ([link, found]) => found.length === expressionsOf({ ...base, link }).length,
          );
          return whole.map(([link]) => ({ ...base, link }));
        }),
      ),
  commands: {
    create: (object) => commandsOf("-I", object),
    update: () => [],
    delete: (object) => commandsOf("-D", object),
  },
};

function commandsOf(verb: "-I" | "-D", { namespace, family, link }: Passage): readonly string[] {
  const program = `${inside(namespace)}${family === 4 ? "iptables" : "ip6tables"} ${verb} ${chain}`;
  return [
    `${program} -i ${link} -j ACCEPT`,
    `${program} -o ${link} -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT`,
  ];
}
