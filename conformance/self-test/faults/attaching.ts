/** Faults in attaching and detaching. */
import { at, isObject, parse } from "../../suite/json.ts";
import { type Mutation, quiet, sorry, withoutKeys } from "../mutation.ts";

/** Faults in attaching and detaching. */
export const attaching: Readonly<Record<string, Mutation>> = {
  "one-name": {
    fault: "names every interface eth0",
    given: (call) => ({ ...call, environment: { ...call.environment, CNI_IFNAME: "eth0" } }),
    noticed: [
      "has the name that the runtime asks for",
      "an interface name of 15 octets",
      "two interfaces on one network",
      "gets the caller's environment",
    ],
  },
  forgetful: {
    fault: "does nothing at DEL",
    instead: ({ command }) => (command === "DEL" ? quiet : undefined),
    noticed: [
      "DEL takes the interface and its other end away",
      "DEL with the result of ADD succeeds",
      "DEL without CNI_NETNS succeeds",
      "after the namespace vanished succeeds and gives",
      "bridge: DEL leaves nothing",
      "macvlan: DEL leaves nothing",
      "bridge and portmap: DEL leaves nothing",
      "DEL closes the port",
      "an address that is given back can be given again",
      "DEL takes only the address of its own",
      "DEL calls the IPAM plugin with DEL",
      "host-device: DEL gives the device back",
      "CHECK after DEL fails",
    ],
  },
  "strict-del": {
    fault: "refuses DEL without a namespace that is there",
    instead: ({ command, environment }) =>
      command === "DEL" && !(environment["CNI_NETNS"] ?? "").startsWith("/run/netns/c") ? sorry : undefined,
    noticed: [
      "DEL without CNI_NETNS succeeds",
      "DEL with an empty CNI_NETNS succeeds",
      "DEL without mappings and without a namespace",
    ],
  },
  "needs-the-past": {
    fault: "refuses DEL without a previous result",
    instead: ({ command, stdin }) =>
      command === "DEL" && !isObject(at(parse(stdin), "prevResult")) ? sorry : undefined,
    noticed: [
      "DEL without a prevResult succeeds",
      "with a prevResult of null",
      "bridge: DEL without prevResult leaves nothing",
    ],
  },
  littering: {
    fault: "leaves a link on the host at every DEL",
    afterwards: ({ command, type }) =>
      command === "DEL" && type !== "host-local" ? "ip link add lost$$ type bridge" : undefined,
    noticed: [
      "bridge: DEL leaves nothing",
      "macvlan: DEL leaves nothing",
      "bridge: DEL after the namespace vanished leaves nothing",
      "bridge and tuning: DEL without prevResult",
    ],
  },
  "littering-rules": {
    fault: "leaves a firewall rule on the host at every DEL",
    afterwards: ({ command, type }) =>
      command === "DEL" && type !== "host-local"
        ? "nft 'add table inet lost; add chain inet lost c; add rule inet lost c ip saddr 10.0.0.9 accept'"
        : undefined,
    noticed: ["bridge and firewall: DEL leaves nothing", "bridge and portmap: DEL leaves nothing"],
  },
  "littering-routes": {
    fault: "leaves a route on the host at every DEL",
    afterwards: ({ command, type }) =>
      command === "DEL" && type !== "host-local" ? "ip route replace blackhole 203.0.113.0/24" : undefined,
    noticed: ["ptp with ipMasq: DEL leaves nothing", "bridge: DEL leaves nothing"],
  },
  "takes-all": {
    fault: "takes every container off the bridge at DEL",
    afterwards: ({ command, type }) =>
      command === "DEL" && type === "bridge"
        ? "for link in $(ip -o link show type veth | sed 's/^[0-9]*: //; s/[@:].*//'); do ip link delete $link; done"
        : undefined,
    noticed: [
      "DEL of one attachment leaves the others working",
      "bridge: DEL leaves nothing",
      "do not disturb each other",
    ],
  },
  unmasked: {
    fault: "does not know ipMasq",
    given: withoutKeys("ipMasq"),
    noticed: [
      "ipMasq hides containers behind the host's address",
      "ipMasq hides containers behind the host's IPv6",
      "ptp: ipMasq hides",
    ],
  },
  "masks-all": {
    fault: "hides every container from its neighbours",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "bridge"
        ? "nft 'add table ip mask; add chain ip mask post { type nat hook postrouting priority 99; }; add rule ip mask post masquerade'"
        : undefined,
    noticed: ["isDefaultGateway gives the container a way", "from outside, which is seen as it is"],
  },
  unrouted: {
    fault: "does not know isDefaultGateway",
    given: withoutKeys("isDefaultGateway"),
    noticed: ["isDefaultGateway gives the container a way", "a tcp port is reached from outside"],
  },
  "no-gateway": {
    fault: "does not know isGateway",
    given: withoutKeys("isGateway"),
    noticed: ["a container and the host reach each other", "forwarding is on for the family"],
  },
  "one-mtu": {
    fault: "does not know mtu",
    given: withoutKeys("mtu"),
    noticed: ["mtu is the mtu of both ends", "ptp: mtu is", "macvlan: mtu and MAC", "an mtu above the parent's"],
  },
  "plain-ports": {
    fault: "does not know the bridge's options for ports",
    given: withoutKeys("hairpinMode", "promiscMode", "macspoofchk", "forceAddress", "vlan", "vlanTrunk"),
    noticed: [
      "hairpinMode makes",
      "promiscMode makes",
      "hairpinMode and promiscMode together",
      "macspoofchk drops",
      "forceAddress replaces",
      "a vlan of 4095 is refused",
    ],
  },
  "new-bridge-address": {
    fault: "gives the bridge another MAC address at every ADD",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "bridge"
        ? "for br in $(ip -o link show type bridge | sed 's/^[0-9]*: //; s/[@:].*//'); do ip link set $br address 02:00:00:00:$(od -An -N2 -tx1 /dev/urandom | sed 's/^ //; s/ /:/'); done"
        : undefined,
    noticed: ["the bridge keeps its MAC address", "as the kernel has them"],
  },
};
