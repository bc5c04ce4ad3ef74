/** Sysctls. One cannot be made or removed: it is set, and where its original value is known, set back. */
import { inNamespace, inside, type Kind, linkKey, namespaceKey } from "../kind.ts";
import type { Sysctl } from "../objects.ts";

/** The link whose setting it is: net/ipv4/conf/LINK/x, net/ipv6/neigh/LINK/x, net/mpls/conf/LINK/x. */
function linkOf(name: string): string | undefined {
  const link = /^net\/(?:ipv[46]|mpls)\/(?:conf|neigh)\/([^/]+)\//.exec(name)?.[1];
  return link === "all" || link === "default" ? undefined : link;
}

const command = ({ namespace, name }: Sysctl, value: string): string =>
  `${inside(namespace)}sysctl -q -w ${name}=${value}`;

export const sysctl: Kind<Sysctl> = {
  key: ({ namespace, name }) => `sysctl ${namespace} ${name}`,
  references: ({ namespace, name }) => {
    const link = linkOf(name);
    return [namespaceKey(namespace), ...(link === undefined ? [] : [linkKey(namespace, link)])];
  },
  words: ({ namespace, name }) => `sysctl ${name} ${inNamespace(namespace)}`,
  create: ({ namespace, name, value }) => [
    { type: "call", run: ({ kernel }) => kernel.writeSysctl(namespace, name, value) },
  ],
  update: (_before, { namespace, name, value }) => [
    { type: "call", run: ({ kernel }) => kernel.writeSysctl(namespace, name, value) },
  ],
  delete: ({ namespace, name, original }) =>
    original === undefined
      ? []
      : [{ type: "call", run: ({ kernel }) => kernel.writeSysctl(namespace, name, original) }],
  observe: ({ kernel, desired, namespaces }) => {
    const there = new Set(namespaces.map(({ namespace }) => namespace));
    return desired
      .filter((object) => object.kind === "sysctl")
      .filter(({ namespace }) => there.has(namespace))
      .flatMap((object): Sysctl[] => {
        const value = kernel.readSysctl(object.namespace, object.name);
        return value === undefined ? [] : [{ ...object, value }];
      });
  },
  equal: (desired, observed) => desired.value === observed.value,
  commands: {
    create: (object) => [command(object, object.value)],
    update: (_before, object) => [command(object, object.value)],
    delete: (object) => (object.original === undefined ? [] : [command(object, object.original)]),
  },
};
