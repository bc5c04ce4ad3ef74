/** An operation that tests of failure, of being killed and of explanation go through, with the state that it starts from. */
import type { ChangeOptions, NetworkController } from "../../../../src/model/types.ts";
import { run } from "../../../support/test-host.ts";

export interface Operation {
  readonly name: string;
  /** Makes what the operation works on. */
  readonly prepare?: (controller: NetworkController) => Promise<void>;
  /** What somebody then does behind the engine's back; `namespace` is that of the sandbox `web`. */
  readonly damage?: (namespace: string) => void;
  readonly run: (controller: NetworkController, options?: ChangeOptions) => Promise<unknown>;
  /** It tells no plan. */
  readonly silent?: true;
  /** What a caller does who does not know how far it came, and to which state that leads; absent: it was done whole, or not begun. */
  readonly settle?: {
    readonly run: (controller: NetworkController) => Promise<unknown>;
    readonly leads: "before" | "done";
  };
  /** What others than the engine keep, which has to be as before as well. */
  readonly also?: () => readonly string[];
  /** Changes that may fail and leave the operation going on: it is told by an event. */
  readonly bears?: RegExp;
  /** What a caller does behind a failure that has left the operation half done, as it may; absent: a failure takes everything back. */
  readonly again?: (controller: NetworkController) => Promise<unknown>;
}

/** A namespace of somebody else's, for sandboxes that are none of the engine's making. */
export const foreignNamespace = "/run/netns/foreign";

/** A network card of the host's, for plugins that lend one. */
export const nic = "nic0";

/** Makes them. The card's other end gets no address when the card comes up. The namespace's loopback link was up before, so that it has its addresses: they stay when it goes down. */
export function makeForeign(): void {
  run(`ip link add ${nic} address 02:00:00:00:00:a0 type veth peer name nic1 address 02:00:00:00:00:a1`);
  run("ip link set nic1 addrgenmode none up");
  run("ip netns add foreign");
  run("ip -n foreign link set lo up");
  run("ip -n foreign link set lo down");
}

/** Makes what an operation works on, with the damage. */
export async function prepare(
  { prepare: make, damage: harm }: Operation,
  controller: NetworkController,
): Promise<void> {
  await make?.(controller);
  harm?.(controller.sandbox("web").info().namespace);
}
