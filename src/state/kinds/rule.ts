/** Policy rules. */
import { ownProtocol } from "../../kernel/netlink/route/ownership.ts";
import { createRule, decodeRule, deleteRule, dumpRules, type RuleOptions } from "../../kernel/netlink/route/rule.ts";
import { inNamespace, inside, type Kind, namespaceKey } from "../kind.ts";
import type { Rule } from "../objects.ts";

function options({ namespace: _, kind: __, ...rule }: Rule): RuleOptions {
  return { ...rule, protocol: ownProtocol };
}

function command(verb: string, rule: Rule): string {
  const { namespace, family, priority, table, from, to, inputLink, mark, suppressPrefixLength: length } = rule;
  const selectors = [
    `from ${from ?? "all"}`,
    ...(to === undefined ? [] : [`to ${to}`]),
    ...(mark === undefined ? [] : [`fwmark 0x${mark.value.toString(16)}/0x${mark.mask.toString(16)}`]),
    ...(inputLink === undefined ? [] : [`iif ${inputLink}`]),
  ];
  const suppressed = length === undefined ? "" : ` suppress_prefixlength ${length}`;
  return `${inside(namespace)}ip ${family === 6 ? "-6 " : ""}rule ${verb} ${selectors.join(" ")} lookup ${table}${suppressed} priority ${priority} protocol ${ownProtocol}`;
}

export const rule: Kind<Rule> = {
  key: ({ namespace, family, priority, table, from, to, inputLink, mark, suppressPrefixLength }) =>
    `rule ${namespace} ${family} ${priority} ${table} ${from ?? ""} ${to ?? ""} ${inputLink ?? ""} ${mark ? `${mark.value}/${mark.mask}` : ""} ${suppressPrefixLength ?? ""}`,
  references: ({ namespace }) => [namespaceKey(namespace)],
  words: ({ namespace, family, priority, table }) =>
    `IPv${family} rule ${priority} for table ${table} ${inNamespace(namespace)}`,
  create: (object) => [{ type: "route", namespace: object.namespace, messages: () => [createRule(options(object))] }],
  update: () => undefined,
  delete: (object) => [{ type: "route", namespace: object.namespace, messages: () => [deleteRule(options(object))] }],
  observe: ({ namespaces }) =>
    namespaces.flatMap(({ namespace, kernel }) =>
      ([4, 6] as const).flatMap((family) =>
        kernel.dump(namespace, "route", dumpRules(family)).flatMap((message): Rule[] => {
          const info = decodeRule(message);
          if (info?.protocol !== ownProtocol) return [];
          const { priority, table, from, to, inputLink, mark, suppressPrefixLength } = info;
          return [
            {
              kind: "rule",
              namespace,
              family,
              priority,
              table,
              ...(from !== undefined && { from }),
              ...(to !== undefined && { to }),
              ...(inputLink !== undefined && { inputLink }),
              ...(mark !== undefined && { mark }),
              ...(suppressPrefixLength !== undefined && { suppressPrefixLength }),
            },
          ];
        }),
      ),
    ),
  commands: {
    create: (object) => [command("add", object)],
    update: () => [],
    delete: (object) => [command("delete", object)],
  },
};
