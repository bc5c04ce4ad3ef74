/** Whether DEL leaves anything on the host: its whole state is compared while another container of the same network stays. */
import { check, type Entry, group, type Level } from "../check.ts";
import {
  Chain,
  type ChainCall,
  dualStack,
  hostLocal,
  macvlan,
  parentLink,
  ptp,
  routedBridge,
} from "../configuration.ts";
import { expect } from "../expectation.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Feature } from "../lab/features.ts";
import { difference } from "../lab/state.ts";
import { settlesTo } from "../settling.ts";
import type { Container, Trial } from "../trial.ts";

/** A network whose traces are looked for. */
interface Subject {
  readonly name: string;
  readonly types: readonly string[];
  readonly features?: readonly Feature[];
  readonly prepare?: (t: Trial) => Promise<unknown>;
  readonly plugins: (t: Trial) => readonly JsonObject[];
  /** What the runtime asks for, different for each container. */
  readonly capabilities?: (container: number) => JsonObject;
}

const net = ["bridge", "host-local"];
const ports = (container: number): JsonObject => ({
  portMappings: [
    { hostPort: 8000 + container, containerPort: 80, protocol: "tcp" },
    { hostPort: 8000 + container, containerPort: 53, protocol: "udp" },
    { hostPort: 9000 + container, containerPort: 443, protocol: "tcp", hostIP: "127.0.0.1" },
  ],
});

const subjects: readonly Subject[] = [
  { name: "bridge", types: net, plugins: (t) => [routedBridge(t)] },
  {
    name: "bridge with ipMasq for both families",
    types: net,
    features: ["firewall", "ipv6"],
    plugins: (t) => [routedBridge(t, { ipMasq: true, ipam: dualStack(t) })],
  },
  {
    name: "ptp with ipMasq",
    types: ["ptp", "host-local"],
    features: ["firewall"],
    plugins: (t) => [ptp(t, { ipMasq: true })],
  },
  {
    name: "macvlan",
    types: ["macvlan", "host-local"],
    features: ["macvlan"],
    prepare: parentLink,
    plugins: (t) => [macvlan(t)],
  },
  {
    name: "bridge and portmap",
    types: [...net, "portmap"],
    features: ["firewall", "ipv6"],
    plugins: (t) => [
      routedBridge(t, { ipMasq: true, ipam: dualStack(t) }),
      { type: "portmap", capabilities: { portMappings: true } },
    ],
    capabilities: ports,
  },
  {
    name: "bridge and firewall",
    types: [...net, "firewall"],
    features: ["firewall"],
    plugins: (t) => [routedBridge(t), { type: "firewall" }],
  },
  {
    name: "bridge and bandwidth",
    types: [...net, "bandwidth"],
    features: ["shaping", "ifb"],
    plugins: (t) => [routedBridge(t), { type: "bandwidth", capabilities: { bandwidth: true } }],
    capabilities: () => ({
      bandwidth: { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 },
    }),
  },
  {
    name: "bridge and tuning",
    types: [...net, "tuning"],
    plugins: (t) => [
      routedBridge(t),
      { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.log_martians": "1" }, mtu: 1300 },
    ],
  },
];

/** How a container's end is told. */
interface Way {
  readonly name: string;
  readonly level: Level;
  readonly reference: string;
  /** Whether the container's own namespace is to be as it was, too. */
  readonly inside: boolean;
  readonly applies?: (subject: Subject) => boolean;
  readonly end: (chain: Chain, c: Container, call: ChainCall & { readonly previous: Json }) => Promise<void>;
}

const ways: readonly Way[] = [
  {
    name: "DEL",
    level: "required",
    reference: "CNI 1.1 §2 DEL",
    inside: true,
    end: (chain, c, call) => chain.del(c, call),
  },
  {
    name: "DEL after the namespace vanished",
    level: "recommended",
    reference: "CNI 1.1 §2 DEL; podman",
    inside: false,
    end: async (chain, c, call) => {
      await c.vanish();
      await chain.del(c, call);
    },
  },
  {
    name: "DEL with an empty CNI_NETNS after the namespace vanished",
    level: "recommended",
    reference: "CNI 1.1 §2 DEL; containerd",
    inside: false,
    end: async (chain, c, call) => {
      await c.vanish();
      await chain.del(c, { ...call, environment: { CNI_NETNS: "" } });
    },
  },
  {
    name: "DEL without prevResult",
    level: "recommended",
    reference: "CNI 1.1 §2 DEL; libcni without its cache",
    inside: true,
    end: (chain, c, call) => chain.del(c, { ...call, previous: null }),
  },
  {
    name: "DEL with an empty CNI_NETNS while the namespace lives",
    level: "beyond",
    reference: "a plugin that keeps records can",
    inside: true,
    end: (chain, c, call) => chain.del(c, { ...call, environment: { CNI_NETNS: "" } }),
  },
  {
    name: "DEL without the runtime's capability arguments",
    level: "beyond",
    reference: "a plugin that keeps records can; containerd's ctr passes none",
    inside: true,
    applies: (subject) => subject.capabilities !== undefined,
    end: (chain, c, { capabilities: _none, ...call }) => chain.del(c, call),
  },
];

const leavesNothing = (subject: Subject, way: Way): Entry =>
  check(
    way.level,
    `${subject.name}: ${way.name} leaves nothing`,
    way.reference,
    { types: subject.types, ...(subject.features === undefined ? {} : { features: subject.features }) },
    async (t) => {
      await subject.prepare?.(t);
      const chain = new Chain(t, subject.plugins(t));
      const call = (container: number): ChainCall =>
        subject.capabilities === undefined ? {} : { capabilities: subject.capabilities(container) };
      const [anchor, c, host] = [await t.container(), await t.container(), t.atHost()];
      await chain.add(anchor, call(1));
      const [before, within] = [await host.state(), await c.state()];
      const previous = await chain.add(c, call(2));
      const made = difference([...before, ...within], [...(await host.state()), ...(await c.state())]);
      expect(made.length > 0, "ADD made nothing");
      await way.end(chain, c, { ...call(2), previous });
      await settlesTo(host, before, "the host", way.inside ? "lives" : "vanished");
      if (way.inside) await settlesTo(c, within, "the container");
    },
  );

/** What DEL leaves. */
export const traces = group("traces", [
  ...ways.flatMap((way) =>
    subjects.filter((subject) => way.applies?.(subject) ?? true).map((subject) => leavesNothing(subject, way)),
  ),
  check(
    "required",
    "DEL of a chain whose ADD failed half way leaves nothing",
    "CNI 1.1 §3: runtimes DEL after a failed ADD",
    { types: [...net, "portmap"], features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [
        routedBridge(t, { ipMasq: true }),
        { type: "portmap", capabilities: { portMappings: true } },
      ]);
      const [anchor, c, host] = [await t.container(), await t.container(), t.atHost()];
      await chain.add(anchor, { capabilities: ports(1) });
      const before = await host.state();
      const capabilities = {
        portMappings: [
          { hostPort: 8002, containerPort: 80, protocol: "tcp" },
          { hostPort: 99999, containerPort: 81, protocol: "tcp" },
        ],
      };
      const { status } = await chain.tryAdd(c, { capabilities });
      expect(status !== 0, "ADD with a host port of 99999 succeeded");
      await chain.del(c, { capabilities, previous: null });
      await settlesTo(host, before, "the host");
    },
  ),
  check(
    "beyond",
    "when its last container leaves, a network that ADD made is gone as a whole",
    "the reference keeps bridges and chains for ever",
    { types: net, features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t, { ipMasq: true, ipam: hostLocal(t) })]);
      const [c, host] = [await t.container(), t.atHost()];
      await host.shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
      const before = await host.state();
      const previous = await chain.add(c);
      await chain.del(c, { previous });
      await settlesTo(host, before, "the host");
    },
  ),
]);
