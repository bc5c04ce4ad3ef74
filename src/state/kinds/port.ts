/** Ports of the host that are held for a published port: nobody else can bind them while the engine lives. Its sockets are not the kernel's to list, but the engine's. */
import type { Kind } from "../kind.ts";
import type { Port } from "../objects.ts";

const numbers = ({ first, last }: Port): string => (first === last ? String(first) : `${first}-${last}`);

export const port: Kind<Port> = {
  key: (object) => `port host ${object.protocol} ${object.address ?? "*"} ${numbers(object)}`,
  references: () => [],
  words: (object) =>
    `${object.protocol} port ${numbers(object)} of ${object.address === undefined ? "the host" : `the host's ${object.address}`}`,
  create: (object) => [{ type: "call", run: ({ kernel }) => kernel.holdPorts(object) }],
  update: () => undefined,
  delete: (object) => [{ type: "call", run: ({ kernel }) => kernel.releasePorts(object) }],
  everywhere: true,
  observe: ({ kernel }) => kernel.heldPorts().map((claim): Port => ({ ...claim, kind: "port" })),
  // A socket of the engine's own does it; no command does the same.
  commands: {
    create: (object) => [`# hold ${port.words(object)}`],
    update: () => [],
    delete: (object) => [`# let go of ${port.words(object)}`],
  },
};
