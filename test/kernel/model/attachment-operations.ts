/** Calls of CNI plugins that change something, each with the state that it starts from, beside the operations of the library. */
import { carryOut } from "../../../src/cni/plugin/answer.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import type { Steps } from "./failing.ts";
import { foreignNamespace, type Operation } from "./operations.ts";

/** A plugin of a chain: its configuration. */
interface Link {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** An attachment that calls are about. */
interface Place {
  readonly network: string;
  readonly interfaceName: string;
}

const only: Place = { network: "net", interfaceName: "eth0" };
const second: Place = { network: "more", interfaceName: "eth1" };
const inside: Place = { network: "net", interfaceName: "lo" };
const container = "c1";

/** Carries out one call as a runtime words it, and answers with what it prints. Throws what the plugin throws. */
export async function call(
  controller: NetworkController,
  command: "ADD" | "CHECK" | "DEL" | "GC",
  link: Link,
  { network, interfaceName }: Place = only,
  prevResult?: unknown,
): Promise<unknown> {
  const environment = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: container,
    CNI_NETNS: foreignNamespace,
    CNI_IFNAME: interfaceName,
    CNI_PATH: "/nowhere",
  };
  const config = { cniVersion: "1.1.0", name: network, ...link, ...(prevResult !== undefined && { prevResult }) };
  const input = JSON.stringify(command === "GC" ? { ...config, "cni.dev/valid-attachments": [] } : config);
  const text = await carryOut({ type: link.type, environment, input }, controller.attachments);
  return text === "" ? undefined : JSON.parse(text);
}

/** Takes away what the plugins of a chain added, in the order in which runtimes do. */
async function delAll(controller: NetworkController, chain: readonly Link[], place: Place = only): Promise<void> {
  for (const link of chain.toReversed()) await call(controller, "DEL", link, place);
}

/** Adds what the plugins of a chain add; the last result. */
async function addAll(controller: NetworkController, chain: readonly Link[], place: Place = only): Promise<unknown> {
  let result: unknown;
  for (const link of chain) result = await call(controller, "ADD", link, place, result);
  return result;
}

const range = (subnet: string) => [{ subnet }];
const routes = [{ dst: "0.0.0.0/0" }, { dst: "10.99.0.0/16", gw: "10.88.0.1", mtu: 1400, priority: 7 }];

const bridge: Link = {
  type: "bridge",
  bridge: "cni7",
  isDefaultGateway: true,
  ipMasq: true,
  hairpinMode: true,
  mtu: 1450,
  ipam: { type: "host-local", ranges: [range("10.88.0.0/24"), range("fd00:88::/64")], routes: routes.slice(1) },
};
const otherBridge: Link = {
  type: "bridge",
  bridge: "cni8",
  isGateway: true,
  ipam: { type: "host-local", ranges: [range("10.89.0.0/24")], routes: routes.slice(0, 1) },
};
const guarded: Link = { ...otherBridge, macspoofchk: true, portIsolation: true };
/** With something in the firewall, whose table stays as long as the network. */
const masqueraded: Link = { ...otherBridge, ipMasq: true };
const portmap: Link = {
  type: "portmap",
  capabilities: { portMappings: true },
  runtimeConfig: {
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: "tcp" },
      { hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "127.0.0.1" },
    ],
  },
};
const tuning: Link = {
  type: "tuning",
  mac: "02:00:00:00:00:77",
  mtu: 1300,
  promisc: true,
  allmulti: true,
  txQLen: 500,
  sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1", "net.ipv4.ip_unprivileged_port_start": "80" },
};
const bandwidth: Link = {
  type: "bandwidth",
  ingressRate: 8_000_000,
  ingressBurst: 1_600_000,
  egressRate: 4_000_000,
  egressBurst: 800_000,
};
const firewall: Link = { type: "firewall", ingressPolicy: "same-bridge" };
const sbr: Link = { type: "sbr" };
const ptp: Link = {
  type: "ptp",
  ipMasq: true,
  ipam: { type: "host-local", ranges: [range("10.90.0.0/24"), range("fd00:90::/64")], routes: routes.slice(0, 1) },
};
/** On the bridge of the network `front`. */
const macvlan: Link = {
  type: "macvlan",
  master: "front0",
  mode: "bridge",
  ipam: { type: "static", addresses: [{ address: "10.91.0.7/24", gateway: "10.91.0.1" }], routes: routes.slice(0, 1) },
};
const loopback: Link = { type: "loopback" };

async function front(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "front", options: { "com.docker.network.bridge.name": "front0" } });
}

interface Scene {
  /** What the chain has before the plugin that is looked at. */
  readonly before?: readonly Link[];
  readonly prepare?: (controller: NetworkController) => Promise<void>;
  readonly place?: Place;
}

/** What the chain before has answered, whoever executed it: the first addresses of the ranges. */
const previousOf = ({ interfaceName }: Place): unknown => {
  const ips = interfaceName === only.interfaceName ? ["10.88.0.2/24", "fd00:88::2/64"] : ["10.89.0.2/24"];
  return {
    cniVersion: "1.1.0",
    interfaces: [{ name: interfaceName, sandbox: foreignNamespace }],
    ips: ips.map((address) => ({ address, interface: 0 })),
    routes: [],
  };
};

/** ADD of a plugin behind others. Whoever does not know how far it came calls DEL. */
function add(name: string, link: Link, { before = [], prepare, place = only }: Scene = {}): Operation {
  const previous = before.length === 0 ? undefined : previousOf(place);
  return {
    name,
    silent: true,
    prepare: async (controller) => {
      await prepare?.(controller);
      await addAll(controller, before, place);
    },
    run: (controller) => call(controller, "ADD", link, place, previous),
    settle: { run: (controller) => call(controller, "DEL", link, place), leads: "before" },
  };
}

/** DEL of the last plugin of a chain, which remembers nothing. Whoever does not know how far it came calls DEL again. */
function del(name: string, chain: readonly [...Link[], Link], { prepare, place = only }: Scene = {}): Operation {
  const link = chain.at(-1) ?? chain[0];
  const run = (controller: NetworkController) => call(controller, "DEL", link, place);
  return {
    name,
    silent: true,
    prepare: async (controller) => {
      // What another try has left.
      await delAll(controller, chain, place);
      await prepare?.(controller);
      await addAll(controller, chain, place);
    },
    run,
    settle: { run, leads: "done" },
  };
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
  add("CNI: ADD of ptp", ptp, { prepare: front }),
  add("CNI: ADD of macvlan", macvlan, { prepare: front }),
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
  del("CNI: DEL of ptp", [ptp], { prepare: front }),
  del("CNI: DEL of macvlan", [macvlan], { prepare: front }),
  del("CNI: DEL of loopback", [loopback], { place: inside }),
  {
    name: "CNI: GC of bridge, of whose attachments none is valid",
    silent: true,
    prepare: async (controller) => {
      await delAll(controller, [bridge, bandwidth]);
      await addAll(controller, [bridge, bandwidth]);
    },
    run: (controller) => call(controller, "GC", bridge),
    settle: { run: (controller) => call(controller, "GC", bridge), leads: "done" },
  },
];

/** At which changes the operation of that number is tried: every third, from another one on each; all of them where PORTOLAN_TEST_ALL is set. */
export const stepsOf = (number: number): Steps =>
  process.env["PORTOLAN_TEST_ALL"] === undefined ? { first: 1 + (number % 3), every: 3 } : {};
