/** Faults in what a plugin does to the container, the host and the plugins that it delegates to. */
import { isObject, list, text } from "../../suite/json.ts";
import { configOf, holds, type MutantCall, type Mutation, quiet, resultOf, withoutKeys } from "../mutation.ts";

const inside = ({ environment }: MutantCall, line: string): string =>
  `nsenter --net='${environment["CNI_NETNS"]}' ${line}`;

const makesLinks = (type: string): boolean => ["bridge", "ptp", "macvlan", "host-device"].includes(type);

/** Only calls of some types get the change. */
const of =
  (types: readonly string[], change: (call: MutantCall) => MutantCall) =>
  (call: MutantCall): MutantCall =>
    types.includes(call.type) ? change(call) : call;

/** Faults in what a plugin does. */
export const meddling: Readonly<Record<string, Mutation>> = {
  "leaves-it-down": {
    fault: "leaves the interface down",
    afterwards: (call) =>
      call.command === "ADD" && makesLinks(call.type)
        ? inside(call, `ip link set ${call.environment["CNI_IFNAME"]} down`)
        : undefined,
    noticed: [
      "ADD makes the interface, up",
      "becomes the container's interface, up",
      "the interface is up",
      "a bridge without ipam",
      "two containers on one network reach each other by IPv6",
    ],
  },
  "takes-over": {
    fault: "takes away what has the interface's name",
    given: (call) => {
      if (call.command === "ADD" && makesLinks(call.type))
        holds(inside(call, `ip link delete ${call.environment["CNI_IFNAME"]}`));
      return call;
    },
    noticed: ["ADD of an interface that is there already", "a second ADD of the same attachment"],
  },
  "leaves-failures": {
    fault: "leaves an interface after an ADD that fails",
    answered: (answer, call) => {
      if (call.command === "ADD" && answer.status !== 0 && makesLinks(call.type))
        holds(inside(call, "ip link add half type veth peer name done"));
      return answer;
    },
    noticed: ["leaves no interface", "no interface is left"],
  },
  "leaves-links": {
    fault: "leaves a link on the host after an ADD that fails",
    answered: (answer, call) => {
      if (call.command === "ADD" && answer.status !== 0 && makesLinks(call.type))
        holds("ip link add half type veth peer name done");
      return answer;
    },
    noticed: ["a namespace that is not there is refused"],
  },
  "keeps-addresses": {
    fault: "does not call the IPAM plugin with DEL",
    given: (call) => (call.command === "DEL" ? withoutKeys("ipam")(call) : call),
    noticed: [
      "calls the IPAM plugin with DEL",
      "DEL with the result of ADD succeeds and gives",
      "after the namespace vanished gives the address back",
    ],
  },
  backwards: {
    fault: "looks for plugins in the last directory first",
    given: (call) => ({
      ...call,
      environment: {
        ...call.environment,
        CNI_PATH: (call.environment["CNI_PATH"] ?? "").split(":").toReversed().join(":"),
      },
    }),
    noticed: ["in the directories of CNI_PATH in their order"],
  },
  "own-environment": {
    fault: "gives delegated plugins nothing but the protocol's variables",
    given: (call) => ({
      ...call,
      environment: Object.fromEntries(
        Object.entries(call.environment).filter(([key]) => key === "PATH" || key.startsWith("CNI_")),
      ),
    }),
    noticed: ["gets the caller's environment"],
  },
  "flat-readings": {
    fault: "leaves nulls out of what it passes on",
    given: (call) => ({ ...call, stdin: call.stdin.replaceAll(/\{"b":null\}/g, "{}") }),
    noticed: ["nested objects and nulls"],
  },
  "own-version": {
    fault: "gives the result in the version of the IPAM plugin",
    answered: resultOf((result) => ({ ...result, cniVersion: "0.2.0" })),
    noticed: ["an IPAM plugin may answer in version"],
  },
  "no-forwarding": {
    fault: "turns forwarding off",
    afterwards: ({ command, type }) =>
      command === "ADD" && makesLinks(type) ? "echo 0 > /proc/sys/net/ipv4/ip_forward" : undefined,
    noticed: [
      "ptp: two containers reach",
      "ptp: the container reaches the world",
      "forwarding is on",
      "from a container of another network",
    ],
  },
  "takes-the-bridge": {
    fault: "takes the bridge away at DEL",
    afterwards: (call) =>
      call.command === "DEL" && call.type === "bridge" ? `ip link delete ${text(configOf(call), "bridge")}` : undefined,
    noticed: ["a bridge that was there before stays", "DEL of one container leaves the other's ports"],
  },
  "parts-neighbours": {
    fault: "lets nothing pass between neighbours",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "bridge"
        ? "nft 'add table bridge mask; add chain bridge mask f { type filter hook forward priority 0; policy drop; }'"
        : undefined,
    noticed: ["ipMasq leaves the addresses of neighbours", "two containers on one network reach each other"],
  },
  "forces-its-address": {
    fault: "gives the bridge its address whatever it has",
    given: of(["bridge"], (call) => ({ ...call, stdin: JSON.stringify({ ...configOf(call), forceAddress: true }) })),
    noticed: ["a bridge that has another address is refused"],
  },
  "v4-ports": {
    fault: "publishes by IPv4 alone",
    given: of(["portmap"], (call) => {
      const config = configOf(call);
      const previous = config["prevResult"];
      if (!isObject(previous)) return call;
      const ips = list(previous, "ips").filter((ip) => !(text(ip, "address") ?? "").includes(":"));
      return { ...call, stdin: JSON.stringify({ ...config, prevResult: { ...previous, ips } }) };
    }),
    noticed: ["a port is reached by IPv6", "hostIP of one family"],
  },
  "extra-ports": {
    fault: "publishes ports that nobody asked for",
    given: of(["portmap"], (call) => {
      const config = configOf(call);
      const more = [8081, 9090].map((hostPort) => ({ hostPort, containerPort: 80, protocol: "tcp" }));
      const portMappings = [...list(config, "runtimeConfig", "portMappings"), ...more];
      return { ...call, stdin: JSON.stringify({ ...config, runtimeConfig: { portMappings } }) };
    }),
    noticed: ["is not published stays closed", "the host's own services beside"],
  },
  "closes-all-ports": {
    fault: "closes every container's ports at DEL",
    afterwards: ({ command, type }) => (command === "DEL" && type === "portmap" ? "nft flush ruleset" : undefined),
    noticed: ["DEL of one container leaves the other's ports", "bridge and portmap: DEL leaves nothing"],
  },
  "keeps-ports": {
    fault: "does not close ports at DEL",
    instead: ({ command, type }) => (command === "DEL" && type === "portmap" ? quiet : undefined),
    noticed: [
      "a port that was freed",
      "what a refused mapping had done",
      "bridge and portmap: DEL leaves nothing",
      "ADD failed half way",
      "12 containers that publish",
    ],
  },
  "local-ports": {
    fault: "publishes to the machines outside alone",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "portmap"
        ? "iptables -t nat -D OUTPUT -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT"
        : undefined,
    noticed: [
      "a tcp port is reached from the host at its own address",
      "a tcp port is reached from the host at localhost",
    ],
  },
  "outer-ports": {
    fault: "publishes to the host alone",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "portmap"
        ? "iptables -t nat -D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT"
        : undefined,
    noticed: [
      "a udp port is reached from outside",
      "a tcp port is reached from another container of",
      "a tcp port is reached from the container itself where hairpinMode",
      "from a container of another network",
      "hostIP 0.0.0.0",
      "an empty hostIP",
      "protocols may be written",
      "a container on two networks with the same mappings",
    ],
  },
  throttling: {
    fault: "limits containers that nobody limited",
    given: of(["bandwidth"], (call) => ({
      ...call,
      stdin: JSON.stringify({ ...configOf(call), ingressRate: 4_000_000, ingressBurst: 400_000 }),
    })),
    noticed: ["bandwidth: without rates nothing"],
  },
  unshaped: {
    fault: "knows one mode of macvlan alone",
    given: of(["macvlan"], withoutKeys("mode", "master")),
    noticed: ["macvlan: the interface is up", "macvlan: containers on one parent"],
  },
  "no-parent": {
    fault: "needs the name of a parent",
    instead: (call) =>
      call.type === "macvlan" && call.command === "ADD" && text(configOf(call), "master") === undefined
        ? { status: 1, stdout: '{"code":100,"msg":"no master"}' }
        : undefined,
    noticed: ["macvlan: without master"],
  },
  "needs-ipam": {
    fault: "needs an IPAM plugin",
    instead: (call) =>
      makesLinks(call.type) && call.command === "ADD" && configOf(call)["ipam"] === undefined
        ? { status: 1, stdout: '{"code":100,"msg":"no ipam"}' }
        : undefined,
    noticed: ["macvlan: without ipam", "a bridge without ipam"],
  },
  "plain-devices": {
    fault: "knows devices by name alone and gives them no addresses",
    given: of(["host-device"], withoutKeys("hwaddr", "ipam")),
    noticed: ["a device is found by its MAC address", "an address of the IPAM plugin is the device's"],
  },
  "keeps-devices": {
    fault: "keeps devices",
    instead: ({ command, type }) => (command === "DEL" && type === "host-device" ? quiet : undefined),
    noticed: ["gives the device back under its own name"],
  },
  "once-only": {
    fault: "attaches a container once in its life",
    instead: ({ command, type, environment }) =>
      command === "ADD" && type === "bridge" && !holds(`mkdir /run/once-${environment["CNI_CONTAINERID"]}`)
        ? { status: 1, stdout: '{"code":100,"msg":"again?"}' }
        : undefined,
    noticed: [
      "ADD works again after DEL",
      "ADD works for a container that came back",
      "on several networks can come one after another",
      "one container may have two interfaces",
      "and the next ADD works",
    ],
  },
};
