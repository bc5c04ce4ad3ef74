/** Calls of CNI plugins that change something, each with the state that it starts from, beside the operations of the library. */
import type { NetworkController } from "../../../../../src/model/types.ts";
import type { Steps } from "../../failing.ts";
import type { Operation } from "../operation.ts";
import { front } from "../scenes.ts";
import { add, addAll, call, del, delAll, inside, type Link, only, type Scene, second } from "./calls.ts";
import {
  bandwidth,
  bridge,
  firewall,
  guarded,
  hostDevice,
  inVlan,
  ipvlan,
  loopback,
  macvlan,
  macvlanInside,
  masqueraded,
  otherBridge,
  portmap,
  portolan,
  portolanMacvlan,
  ptp,
  sbr,
  tuning,
  vlan,
  vrf,
} from "./plugins.ts";

/** The network `front`, on whose bridge macvlan links stand. */
async function frontBridge(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "front", options: { "com.docker.network.bridge.name": "front0" } });
}

/** The container has the same ports by a first network. */
async function publishedElsewhere(controller: NetworkController): Promise<void> {
  await delAll(controller, [bridge, portmap]);
  await addAll(controller, [bridge, portmap]);
}

/** Another network of the container asked for the same ports. */
const takeOver: Operation = {
  name: "CNI: DEL of portmap, whose ports another network takes over",
  silent: true,
  prepare: async (controller) => {
    await delAll(controller, [otherBridge, portmap], second);
    await publishedElsewhere(controller);
    await addAll(controller, [otherBridge, portmap], second);
  },
  run: (controller) => call(controller, "DEL", portmap),
  settle: { run: (controller) => call(controller, "DEL", portmap), leads: "done" },
};

/** GC of the first plugin of a chain. */
function gc(name: string, chain: readonly [Link, ...Link[]], { inSteps }: Pick<Scene, "inSteps"> = {}): Operation {
  const [link] = chain;
  const run = (controller: NetworkController) => call(controller, "GC", link);
  return {
    name,
    silent: true,
    prepare: async (controller) => {
      await delAll(controller, chain);
      await addAll(controller, chain);
    },
    run,
    settle: { run, leads: "done" },
    ...(inSteps && { again: run }),
  };
}

export const attachmentOperations: readonly Operation[] = [
  add("CNI: ADD of bridge, with addresses, masquerade and the default gateway", bridge),
  add("CNI: ADD of bridge, in a second network of the container", otherBridge, {
    prepare: async (controller) => void (await addAll(controller, [bridge])),
    place: second,
  }),
  add("CNI: ADD of bridge, held to its own MAC address", guarded),
  add("CNI: ADD of portmap", portmap, { before: [bridge] }),
  add("CNI: ADD of portmap with ports that the container has by another network", portmap, {
    prepare: publishedElsewhere,
    before: [masqueraded],
    place: second,
  }),
  add("CNI: ADD of tuning", tuning, { before: [bridge] }),
  add("CNI: ADD of bandwidth", bandwidth, { before: [bridge] }),
  add("CNI: ADD of firewall", firewall, { before: [bridge] }),
  add("CNI: ADD of sbr", sbr, { before: [bridge] }),
  add("CNI: ADD of ptp", ptp, { prepare: frontBridge }),
  add("CNI: ADD of macvlan", macvlan, { prepare: frontBridge }),
  add("CNI: ADD of macvlan, on a link of the container's own", macvlanInside, {
    prepare: async (controller) => void (await addAll(controller, [bridge])),
    place: second,
  }),
  add("CNI: ADD of host-device", hostDevice),
  add("CNI: ADD of portolan, which makes its network", portolan),
  add("CNI: ADD of portolan, in a network that is there, beside another one of the container", portolan, {
    prepare: async (controller) => {
      await front(controller);
      await delAll(controller, [otherBridge], second);
      await addAll(controller, [otherBridge], second);
    },
    place: { ...only, network: "front" },
  }),
  add("CNI: ADD of portolan, on macvlan", portolanMacvlan, { prepare: frontBridge }),
  add("CNI: ADD of loopback", loopback, { place: inside }),
  del("CNI: DEL of bridge, the last container's", [bridge]),
  del("CNI: DEL of bridge, from whose network another one takes the default route over", [bridge], {
    prepare: async (controller) => {
      await delAll(controller, [otherBridge], second);
      await addAll(controller, [otherBridge], second);
    },
  }),
  del("CNI: DEL of bridge, held to its own MAC address", [guarded]),
  del("CNI: DEL of portmap", [bridge, portmap]),
  takeOver,
  del("CNI: DEL of tuning", [bridge, tuning]),
  del("CNI: DEL of bandwidth", [bridge, bandwidth]),
  del("CNI: DEL of firewall", [bridge, firewall]),
  del("CNI: DEL of sbr", [bridge, sbr]),
  del("CNI: DEL of ptp", [ptp], { prepare: frontBridge }),
  del("CNI: DEL of macvlan", [macvlan], { prepare: frontBridge }),
  del("CNI: DEL of macvlan, on a link of the container's own", [macvlanInside], {
    prepare: async (controller) => {
      await delAll(controller, [bridge]);
      await addAll(controller, [bridge]);
    },
    place: second,
  }),
  del("CNI: DEL of host-device", [hostDevice]),
  del("CNI: DEL of portolan, with which its network goes", [portolan], { inSteps: true }),
  del("CNI: DEL of portolan, from whose network another one takes the default route over", [portolan], {
    prepare: async (controller) => {
      await front(controller);
      await delAll(controller, [otherBridge], second);
      await addAll(controller, [otherBridge], second);
    },
    place: { ...only, network: "front" },
  }),
  del("CNI: DEL of portolan, on macvlan", [portolanMacvlan], { prepare: frontBridge, inSteps: true }),
  del("CNI: DEL of loopback", [loopback], { place: inside }),
  gc("CNI: GC of bridge, of whose attachments none is valid", [bridge, bandwidth]),
  gc("CNI: GC of portolan, of whose attachments none is valid", [portolan, tuning], { inSteps: true }),
];

/** Those that need a kernel whose bridges keep VLANs apart. */
export const vlanOperations: readonly Operation[] = [
  add("CNI: ADD of bridge, in a VLAN and with a trunk", inVlan),
  add("CNI: ADD of bridge, in a VLAN of the bridge of others without", inVlan, {
    prepare: async (controller) => void (await addAll(controller, [otherBridge], second)),
  }),
  del("CNI: DEL of bridge, in a VLAN and with a trunk", [inVlan]),
];

/** Those on links that machines' kernels often lack. */
export const linkOperations: readonly Operation[] = [
  add("CNI: ADD of ipvlan", ipvlan, { prepare: frontBridge }),
  add("CNI: ADD of vlan", vlan, { prepare: frontBridge }),
  add("CNI: ADD of vrf", vrf, { before: [bridge] }),
  del("CNI: DEL of ipvlan", [ipvlan], { prepare: frontBridge }),
  del("CNI: DEL of vlan", [vlan], { prepare: frontBridge }),
  del("CNI: DEL of vrf", [bridge, vrf]),
];

/** All that need kernel features that machines often lack. */
export const rareAttachmentOperations: readonly Operation[] = [...linkOperations, ...vlanOperations];

/** Operations to be killed in the emulator, where each takes half a minute: every third, all of them where PORTOLAN_TEST_ALL is set. */
export const someOf = (all: readonly Operation[]): readonly Operation[] =>
  process.env["PORTOLAN_TEST_ALL"] === undefined ? all.filter((_, number) => number % 3 === 0) : all;

/** At which changes the operation of that number is tried: every third, from another one on each; all of them where PORTOLAN_TEST_ALL is set. */
export const stepsOf = (number: number): Steps =>
  process.env["PORTOLAN_TEST_ALL"] === undefined ? { first: 1 + (number % 3), every: 3 } : {};
