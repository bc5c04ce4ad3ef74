/** Network namespaces bound to a path. */
import { setLink } from "../../kernel/netlink/route/link.ts";
import { type Kind, namespaceKey } from "../kind.ts";
import type { Namespace } from "../objects.ts";

export const namespace: Kind<Namespace> = {
  key: ({ path }) => namespaceKey(path),
  references: () => [],
  words: ({ path }) => `namespace ${path}`,
  create: ({ path }) => [
    { type: "call", run: ({ kernel }) => kernel.createNamespace(path) },
    { type: "route", namespace: path, messages: () => [setLink({ name: "lo" }, { up: true })] },
  ],
  // Nothing but the path can differ, and that is another namespace.
  update: () => undefined,
  delete: ({ path }) => [{ type: "call", run: ({ kernel }) => kernel.dropNamespace(path) }],
  everywhere: true,
  observe: ({ kernel, desired }) =>
    desired.filter((object) => object.kind === "namespace").filter(({ path }) => kernel.namespaceExists(path)),
  commands: {
    create: ({ path }) => [
      `mkdir -p ${path.slice(0, path.lastIndexOf("/"))} && touch ${path} && unshare --net=${path} true`,
      `nsenter --net=${path} ip link set lo up`,
    ],
    update: () => [],
    delete: ({ path }) => [`umount ${path} && rm ${path}`],
  },
};
