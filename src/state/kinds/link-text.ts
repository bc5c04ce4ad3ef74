/** The commands that do to a link what its messages do. */
import { ownAliasPrefix, ownLinkGroup } from "../../kernel/netlink/route/ownership.ts";
import { inside } from "../kind.ts";
import type { BridgePort, IpvlanLink, Link, MacvlanLink } from "../objects.ts";
import { changedPort, changedSettings, settingWords, withPort } from "./bridge-settings.ts";

/** The alias that marks a link as ours. */
export const aliasOf = (name: string): string => `${ownAliasPrefix}${name}`;

/**
 * Queues of a pair's ends. By itself the kernel makes one for each processor, and files of sysfs for each: a fifth of what a pair costs on two processors, and more on more. Frames
 * between the ends wait in none of them (noqueue).
 */
export const vethQueues = 1;

export const createCommands = (object: Link): readonly string[] => [...addCommand(object), ...setCommands(object)];

export function updateCommands(before: Link, object: Link): readonly string[] {
  const port = changedPort(before, object);
  return port === undefined ? setAnewCommands(before, object) : portCommands(object, port);
}

const setAnewCommands = (before: Link, object: Link): readonly string[] => [
  ...(object.mac !== undefined ? [`${inside(object.namespace)}ip link set ${object.name} address ${object.mac}`] : []),
  ...(object.mtu !== undefined ? [`${inside(object.namespace)}ip link set ${object.name} mtu ${object.mtu}`] : []),
  ...(object.master === undefined && before.master !== undefined
    ? [`${inside(object.namespace)}ip link set ${object.name} nomaster`]
    : []),
  ...bridgeCommand(object, settingWords(changedSettings(before, object))),
  ...(object.type === "veth" && object.peer.mtu !== undefined
    ? [`${inside(object.peer.namespace)}ip link set ${object.peer.name} mtu ${object.peer.mtu}`]
    : []),
  ...setCommands(withPort(before, object)),
];

export const deleteCommands = ({ namespace, name }: Link): readonly string[] => [
  `${inside(namespace)}ip link delete ${name}`,
];

const bridgeCommand = ({ namespace, name }: Link, words: string): readonly string[] =>
  words === "" ? [] : [`${inside(namespace)}ip link set ${name} type bridge${words}`];

const macWords = (mac: string | undefined): string => (mac === undefined ? "" : ` address ${mac}`);
const queueWords = ` numtxqueues ${vethQueues} numrxqueues ${vethQueues}`;
const mtuWords = (mtu: number | undefined): string => (mtu === undefined ? "" : ` mtu ${mtu}`);

/** Links that are born elsewhere are made from where that is what they stand on, by its name. */
function standingCommand(object: MacvlanLink | IpvlanLink): string {
  const { namespace, name, parent, parentInside, mac, mtu, type, mode } = object;
  const birthplace = parentInside ? namespace : "host";
  const elsewhere = namespace === birthplace ? "" : ` netns ${namespace}`;
  const flag = object.type === "ipvlan" ? ` ${object.flag}` : "";
  return `${inside(birthplace)}ip link add link ${parent} name ${name}${elsewhere}${macWords(mac)}${mtuWords(mtu)} group ${ownLinkGroup} type ${type} mode ${mode}${flag}`;
}

function addCommand(object: Link): readonly string[] {
  if (object.type === "macvlan" || object.type === "ipvlan") return [standingCommand(object)];
  if (object.type === "vlan") {
    const { namespace, name, parent, parentNamespace = namespace, mac, mtu, id } = object;
    const elsewhere = parentNamespace === namespace ? "" : ` netns ${namespace}`;
    return [
      `${inside(parentNamespace)}ip link add link ${parent} name ${name}${elsewhere}${macWords(mac)}${mtuWords(mtu)} group ${ownLinkGroup} type vlan id ${id}`,
    ];
  }
  const start = `${inside(object.namespace)}ip link add ${object.name}${macWords(object.mac)}${mtuWords(object.mtu)}${object.type === "veth" ? queueWords : ""} group ${ownLinkGroup} type ${object.type}`;
  switch (object.type) {
    case "bridge":
      return [`${start}${settingWords(object)}`];
    case "vrf":
      return [`${start} table ${object.table}`];
    case "dummy":
      return [start];
    case "veth": {
      const { name, mac, mtu, namespace } = object.peer;
      const elsewhere = namespace === object.namespace || namespace === "host" ? "" : ` netns ${namespace}`;
      return [
        `${start} peer name ${name}${macWords(mac)}${mtuWords(mtu)}${queueWords}${elsewhere}`,
        `${inside(namespace)}ip link set ${name} group ${ownLinkGroup}`,
      ];
    }
  }
}

function portCommands({ namespace, name }: Link, { hairpin, isolated }: BridgePort): readonly string[] {
  const words = [
    ...(hairpin === undefined ? [] : [`hairpin ${hairpin ? "on" : "off"}`]),
    ...(isolated === undefined ? [] : [`isolated ${isolated ? "on" : "off"}`]),
  ];
  return words.length === 0 ? [] : [`${inside(namespace)}bridge link set dev ${name} ${words.join(" ")}`];
}

function setCommands(object: Link): readonly string[] {
  const { namespace, name, master, up, addressGeneration, mtu } = object;
  const generation = addressGeneration === undefined ? "" : ` addrgenmode ${addressGeneration}`;
  const commands = [
    `${inside(namespace)}ip link set ${name} alias ${aliasOf(name)}${generation}${master === undefined ? "" : ` master ${master}`}${object.type === "bridge" ? mtuWords(mtu) : ""} ${up ? "up" : "down"}`,
  ];
  if (object.type !== "veth") return commands;
  const { port, peer } = object;
  if (port !== undefined) commands.push(...portCommands(object, port));
  const peerWords = [
    ...(peer.addressGeneration === undefined ? [] : [`addrgenmode ${peer.addressGeneration}`]),
    ...(peer.up === undefined ? [] : [peer.up ? "up" : "down"]),
  ];
  if (peerWords.length > 0) {
    commands.push(`${inside(peer.namespace)}ip link set ${peer.name} ${peerWords.join(" ")}`);
  }
  return commands;
}
