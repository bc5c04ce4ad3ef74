/** One trial for each feature, in a namespace that is thrown away: what the kernel refuses, or undefined where it does it. */
import type { FeatureName } from "./features.ts";
import type { Kernel, KernelRefusal } from "./kernel.ts";
import { AttributeWriter } from "./netlink/attribute.ts";
import { messageFlag, type NetlinkMessage } from "./netlink/message.ts";
import { newChain } from "./netlink/nftables/chain.ts";
import type { Expression } from "./netlink/nftables/expressions.ts";
import { newRule } from "./netlink/nftables/rule.ts";
import { newSet } from "./netlink/nftables/set.ts";
import { newTable } from "./netlink/nftables/table.ts";
import { createLink } from "./netlink/route/link.ts";
import { encodeLinkHeader, linkAttribute } from "./netlink/route/link-header.ts";
import { routeMessage } from "./netlink/route/rtnetlink.ts";
import { createRule } from "./netlink/route/rule.ts";

type Trial = (kernel: Kernel, namespace: `/${string}`) => KernelRefusal | undefined;

const createNew = messageFlag.create | messageFlag.exclusive;

/** Makes a link of a kind, with what that kind cannot be made without. */
const linkTrial =
  (kind: string, data?: (writer: AttributeWriter) => void, parent = false): Trial =>
  (kernel, namespace) => {
    const writer = new AttributeWriter().raw(encodeLinkHeader(0)).string(linkAttribute.name, `try-${kind}`);
    if (parent) writer.u32(linkAttribute.link, parentIndex(kernel, namespace));
    writer.nested(linkAttribute.info, (info) => {
      info.string(1, kind); // IFLA_INFO_KIND
      if (data !== undefined) info.nested(2, data); // IFLA_INFO_DATA
    });
    const message = { type: routeMessage.newLink, flags: createNew, body: writer.finish() };
    return kernel.send(namespace, "route", [message])[0];
  };

/** Index of a link to stand on, made when first asked for. */
function parentIndex(kernel: Kernel, namespace: `/${string}`): number {
  const data = { kind: "veth", peer: { name: "parent1" } } as const;
  kernel.send(namespace, "route", [createLink({ name: "parent0", data })]);
  return kernel.linkIndex(namespace, "parent0");
}

/** A transaction in a table of its own. */
const nftTrial =
  (name: string, messages: (table: string) => readonly NetlinkMessage[]): Trial =>
  (kernel, namespace) =>
    kernel
      .send(namespace, "netfilter", [newTable({ name }), ...messages(name)])
      .find((refusal) => refusal !== undefined);

/** A rule of these expressions in a base chain. */
const ruleTrial = (name: string, type: "filter" | "nat", expressions: readonly Expression[]): Trial =>
  nftTrial(name, (table) => [
    newChain({ table, name: "try", base: { type, hook: "postrouting", priority: 100, policy: "accept" } }),
    newRule({ table, chain: "try", expressions }),
  ]);

/** A rule for frames that come in by a bridge's ports, which asks by which one. */
const bridgeTableTrial: Trial = (kernel, namespace) => {
  const [name, table, chain] = ["try", "try", "try"];
  const base = { type: "filter", hook: "prerouting", priority: -300, policy: "accept" } as const;
  const expressions = [{ type: "meta", key: "iifname", to: 1 }] as const;
  const messages = [
    newTable({ name }, "bridge"),
    newChain({ table, name: chain, base }, "bridge"),
    newRule({ table, chain, expressions }, {}, "bridge"),
  ];
  return kernel.send(namespace, "netfilter", messages).find((refusal) => refusal !== undefined);
};

/** Puts a queueing discipline on a link: RTM_NEWQDISC with TCA_KIND alone. A known one misses its options (EINVAL), an unknown one is not found. */
const queueTrial =
  (kind: string): Trial =>
  (kernel, namespace) => {
    const header = Buffer.alloc(20); // struct tcmsg
    header.writeInt32LE(parentIndex(kernel, namespace), 4);
    header.writeUInt32LE(0xffffffff, 12); // TC_H_ROOT
    const body = new AttributeWriter().raw(header).string(1, kind).finish();
    const [refusal] = kernel.send(namespace, "route", [{ type: 36, flags: createNew, body }]);
    return refusal?.code === "EINVAL" ? undefined : refusal;
  };

/** XFRM_MSG_NEWSA with an ESP state that uses AES-GCM (linux/xfrm.h, struct xfrm_usersa_info, XFRMA_ALG_AEAD). */
const espTrial: Trial = (kernel, namespace) => {
  const state = Buffer.alloc(224);
  state.set([192, 0, 2, 1], 56); // id.daddr
  state.writeUInt32BE(0x1000, 72); // id.spi
  state.writeUInt8(50, 76); // id.proto: IPPROTO_ESP
  state.set([192, 0, 2, 2], 80); // saddr
  for (const limit of [96, 104, 112, 120]) state.writeBigUInt64LE(0xffffffffffffffffn, limit); // lft: without limits
  state.writeUInt16LE(2, 212); // family: AF_INET
  const algorithm = Buffer.alloc(64 + 8 + 20);
  algorithm.write("rfc4106(gcm(aes))");
  algorithm.writeUInt32LE(160, 64); // key and salt, bits
  algorithm.writeUInt32LE(128, 68); // integrity check value, bits
  const body = new AttributeWriter(512).raw(state).bytes(18, algorithm).finish();
  return kernel.send(namespace, "xfrm", [{ type: 0x10, flags: createNew, body }])[0];
};

/** Features that show as a sysctl of every namespace as soon as their module is there. */
const sysctlTrial =
  (name: string): Trial =>
  (kernel, namespace) =>
    kernel.readSysctl(namespace, name) === undefined
      ? {
          errno: 93,
          code: "EPROTONOSUPPORT",
          message: `there is no sysctl ${name}: not built in, or its module is not loaded`,
        }
      : undefined;

/** XFRM_MSG_GETSADINFO */
const xfrmTrial: Trial = (kernel, namespace) => {
  kernel.get(namespace, "xfrm", { type: 0x23, flags: 0, body: new Uint8Array(4) });
  return undefined;
};

/** A rule of each family; IPv6's only where there is IPv6. */
const policyRules: Trial = (kernel, namespace) => {
  const families = trials.ipv6(kernel, namespace) === undefined ? ([4, 6] as const) : ([4] as const);
  const messages = families.map((family) => createRule({ family, priority: 1, table: 1 }));
  return kernel.send(namespace, "route", messages).find((refusal) => refusal !== undefined);
};

export const trials: Readonly<Record<FeatureName, Trial>> = {
  bridge: linkTrial("bridge"),
  veth: linkTrial("veth"),
  "nft-maps": nftTrial("try-maps", (table) => [
    newSet({
      table,
      name: "map",
      key: { number: (7 << 6) | 13, length: 8 }, // ipv4_addr . inet_service
      data: { number: 7, length: 4, byteOrder: "network" },
      interval: true,
      fields: [4, 2],
    }),
  ]),
  "nft-nat": nftTrial("try-nat", (table) => [
    newChain({ table, name: "try", base: { type: "nat", hook: "prerouting", priority: -100, policy: "accept" } }),
  ]),
  "nft-masquerade": ruleTrial("try-masquerade", "nat", [{ type: "masquerade" }]),
  "nft-fib": ruleTrial("try-fib", "filter", [{ type: "fib", flags: ["daddr"], result: "type", to: 1 }]),
  "nft-bridge": bridgeTableTrial,
  "nft-numgen": ruleTrial("try-numgen", "filter", [{ type: "numgen", mode: "random", modulus: 2, to: 1 }]),
  "policy-rules": policyRules,
  ipv6: sysctlTrial("net/ipv6/conf/all/forwarding"),
  vxlan: linkTrial("vxlan", (data) => data.u32(1, 42)), // IFLA_VXLAN_ID
  macvlan: linkTrial("macvlan", (data) => data.u32(1, 4), true), // IFLA_MACVLAN_MODE: bridge
  ipvlan: linkTrial("ipvlan", (data) => data.u16(1, 0), true), // IFLA_IPVLAN_MODE: l2
  "bridge-vlan": (kernel, namespace) =>
    kernel.send(namespace, "route", [
      createLink({ name: "try-vlans", data: { kind: "bridge", vlanFiltering: true } }),
    ])[0],
  vlan: linkTrial("vlan", (data) => data.u16(1, 10), true), // IFLA_VLAN_ID
  dummy: linkTrial("dummy"),
  vrf: linkTrial("vrf", (data) => data.u32(1, 1000)), // IFLA_VRF_TABLE
  ifb: linkTrial("ifb"),
  wireguard: linkTrial("wireguard"),
  xfrm: xfrmTrial,
  esp: espTrial,
  ipvs: sysctlTrial("net/ipv4/vs/conntrack"),
  tbf: queueTrial("tbf"),
  netem: queueTrial("netem"),
  sctp: sysctlTrial("net/sctp/rto_min"),
};
