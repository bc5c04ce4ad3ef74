/** Plugins with one fault each: what they do otherwise than the ones they stand before, and the checks that have to notice. */
import { at, isObject, type Json, type JsonObject, list, parse, text } from "../suite/json.ts";

/** A call as it comes from the runtime. */
export interface MutantCall {
  readonly type: string;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** What the plugin answered. */
export interface MutantAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr?: string;
}

/** One fault. */
export interface Mutation {
  /** What is wrong, as a sentence about the plugin. */
  readonly fault: string;
  /** Changes what the plugin is given. */
  readonly given?: (call: MutantCall) => MutantCall;
  /** Answers instead of the plugin. */
  readonly instead?: (call: MutantCall) => MutantAnswer | undefined;
  /** Changes what the plugin answered. */
  readonly answered?: (answer: MutantAnswer, call: MutantCall) => MutantAnswer;
  /** Lines of shell run on the host after the plugin. */
  readonly afterwards?: (call: MutantCall) => string | undefined;
  /** The version that the plugins are brought to before they get the fault. */
  readonly version?: "1.1.0";
  /** Texts, each of which is in the title of a check that has to fail. */
  readonly noticed: readonly string[];
}

const withoutKeys =
  (...keys: readonly string[]) =>
  (call: MutantCall): MutantCall => {
    const config = parse(call.stdin);
    if (!isObject(config)) return call;
    const left = Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
    return { ...call, stdin: JSON.stringify(left) };
  };

const resultOf =
  (change: (result: JsonObject, call: MutantCall) => Json) =>
  (answer: MutantAnswer, call: MutantCall): MutantAnswer => {
    const result = parse(answer.stdout);
    if (call.command !== "ADD" || answer.status !== 0 || !isObject(result)) return answer;
    return { ...answer, stdout: JSON.stringify(change(result, call)) };
  };

const quiet: MutantAnswer = { status: 0, stdout: "" };
const sorry: MutantAnswer = { status: 1, stdout: '{"code": 100, "msg": "no"}' };

const mappingsWithout =
  (key: string) =>
  (call: MutantCall): MutantCall => {
    const config = parse(call.stdin);
    if (!isObject(config) || call.type !== "portmap") return call;
    const mappings = list(config, "runtimeConfig", "portMappings").map((mapping) =>
      isObject(mapping) ? Object.fromEntries(Object.entries(mapping).filter(([name]) => name !== key)) : mapping,
    );
    return { ...call, stdin: JSON.stringify({ ...config, runtimeConfig: { portMappings: mappings } }) };
  };

/** Faults in how a plugin is asked and answers. */
const envelope: Readonly<Record<string, Mutation>> = {
  talkative: {
    fault: "prints a line of its own before every answer",
    answered: (answer) => ({ ...answer, stdout: `debug: done\n${answer.stdout}` }),
    noticed: [
      "success prints one JSON document",
      "CHECK and DEL print nothing",
      "bridge: VERSION answers with the versions",
    ],
  },
  "errors-on-stderr": {
    fault: "prints errors on stderr",
    answered: (answer) => (answer.status === 0 ? answer : { ...answer, stdout: "", stderr: answer.stdout }),
    noticed: ["an unknown command is refused", "broken JSON is refused", "without a previous result refuses ADD"],
  },
  "one-code": {
    fault: "gives every error the code 999",
    answered: (answer) => ({
      ...answer,
      stdout: answer.status === 0 ? answer.stdout : answer.stdout.replace(/"code": *\d+/, '"code": 999'),
    }),
    noticed: [
      "ADD without CNI_CONTAINERID",
      "an empty standard input",
      "a version that nobody knows",
      "a configuration without a name",
      "CHECK of a configuration before 0.4.0",
      "static: ADD without a container id",
      "passes its code and words on",
      "try again later",
    ],
  },
  "ends-with-0": {
    fault: "ends with 0 after an error",
    answered: (answer) => ({ ...answer, status: 0 }),
    noticed: [
      "an unknown command is refused",
      "commands are upper case",
      "CHECK without prevResult",
      "exactly 5 succeed",
      "with a slash",
      "of two dots",
    ],
  },
  "without-version": {
    fault: "answers VERSION with nothing",
    instead: ({ command }) => (command === "VERSION" ? quiet : undefined),
    noticed: [
      "bridge: VERSION answers with the versions",
      'static: VERSION answers with variables set to "dummy"',
      "loopback: the newest version it can",
    ],
  },
  "one-version": {
    fault: "gives results of every version the version 0.3.1",
    answered: resultOf((result) => ({ ...result, cniVersion: "0.3.1" })),
    noticed: [
      "the result of a bridge has the form of 1.0.0",
      "the result of a bridge has the form of 0.2.0",
      "an IPAM plugin's own result has the form of 0.4.0",
      "an IPAM plugin may answer in version",
    ],
  },
  "old-habits": {
    fault: "gives addresses a version although 1.0.0 has none",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { version: "4", ...ip } : ip)),
    })),
    noticed: ["the result of a bridge has the form of 1.0.0"],
  },
  rereading: {
    fault: "reads the configuration and writes it again",
    given: (call) => ({ ...call, stdin: JSON.stringify(parse(call.stdin) ?? null) }),
    noticed: ["integers above 2^53", "numbers of many digits"],
  },
  "deaf-to-args": {
    fault: "does not read CNI_ARGS",
    given: (call) => ({
      ...call,
      environment: Object.fromEntries(Object.entries(call.environment).filter(([key]) => key !== "CNI_ARGS")),
    }),
    noticed: [
      "an unknown key of CNI_ARGS",
      "CNI_ARGS that are no pairs",
      "CNI_ARGS MAC is",
      "CNI_ARGS IP passes",
      "asked for by CNI_ARGS IP is given",
      "CNI_ARGS IP and GATEWAY",
      "gets the caller's environment",
    ],
  },
  "no-version-is-new": {
    fault: "takes a configuration without a version for one of 1.0.0",
    given: (call) => {
      const config = parse(call.stdin);
      return isObject(config) && config["cniVersion"] === undefined
        ? { ...call, stdin: JSON.stringify({ ...config, cniVersion: "1.0.0" }) }
        : call;
    },
    noticed: ["a configuration without a version is one of 0.1.0"],
  },
  "ascii-only": {
    fault: "passes texts on in ASCII",
    given: (call) => ({ ...call, stdin: call.stdin.replaceAll(/[^\x20-\x7e]/g, "?") }),
    noticed: ["texts of any script"],
  },
  "exact-keys": {
    fault: "does not know keys in another case",
    given: withoutKeys("BRIDGE"),
    noticed: ["keys are told apart without regard to case"],
  },
};

/** Faults in attaching and detaching. */
const attaching: Readonly<Record<string, Mutation>> = {
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
    given: withoutKeys("hairpinMode", "promiscMode", "macspoofchk", "forceAddress", "vlan"),
    noticed: [
      "hairpinMode makes",
      "promiscMode makes",
      "hairpinMode and promiscMode together",
      "macspoofchk drops",
      "forceAddress replaces",
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

/** Faults in results and checks. */
const telling: Readonly<Record<string, Mutation>> = {
  "without-dns": {
    fault: "leaves dns out of results",
    answered: resultOf(({ dns: _none, ...result }) => result),
    noticed: [
      "dns of the configuration is dns of the result",
      "addresses, gateways, routes and dns are",
      "dns and routes are still there",
      "resolvConf is read",
    ],
  },
  "without-routes": {
    fault: "leaves routes out of results",
    answered: resultOf(({ routes: _none, ...result }) => result),
    noticed: [
      "routes of the IPAM plugin are in the result",
      "routes of the configuration are the result's",
      "an IPAM plugin's own result has the form of 1.0.0",
    ],
  },
  "chained-loses": {
    fault: "loses what it does not know of a previous result",
    answered: (answer, call) =>
      ["bridge", "ptp", "macvlan", "host-local"].includes(call.type)
        ? answer
        : resultOf(({ dns: _none, ...result }) => ({ ...result, routes: [] }))(answer, call),
    noticed: ["portmap", "firewall", "tuning", "bandwidth", "sbr", "loopback"].map(
      (type) => `${type} passes the previous result on`,
    ),
  },
  "other-mac": {
    fault: "tells a MAC address that is not the interface's",
    answered: resultOf((result) => ({
      ...result,
      interfaces: list(result, "interfaces").map((item) =>
        isObject(item) ? { ...item, mac: "02:00:00:00:00:99" } : item,
      ),
    })),
    noticed: [
      "is listed with its namespace, name and the kernel's MAC",
      "as the kernel has them",
      "the result holds the MAC address",
    ],
  },
  "without-sandbox": {
    fault: "does not tell in which namespace an interface is",
    answered: resultOf((result) => ({
      ...result,
      interfaces: list(result, "interfaces").map((item) =>
        isObject(item) ? Object.fromEntries(Object.entries(item).filter(([key]) => key !== "sandbox")) : item,
      ),
    })),
    noticed: ["is listed with its namespace", "without a namespace, as the kernel"],
  },
  "wrong-interface": {
    fault: "hangs addresses on the first interface",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { ...ip, interface: 0 } : ip)),
    })),
    noticed: ["each address points at the container's interface", "the host reaches it"],
  },
  "other-address": {
    fault: "tells another address than the interface has",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { ...ip, address: "10.0.0.99/24" } : ip)),
    })),
    noticed: [
      "what the result says of addresses",
      "the first address of a subnet is .2",
      "a range is given out",
      "two containers on one network reach each other",
      "each list of ranges gives one address",
    ],
  },
  "blind-check": {
    fault: "finds everything in order at CHECK",
    instead: ({ command }) => (command === "CHECK" ? quiet : undefined),
    noticed: [
      "CHECK fails after the interface was deleted",
      "CHECK fails after its address was removed",
      "CHECK fails after its address was changed",
      "CHECK fails after the default route",
      "CHECK fails after a route of the result",
      "CHECK fails after its MAC address",
      "CHECK fails after the bridge was deleted",
      "CHECK fails after the interface was renamed",
      "CHECK without prevResult",
      "CHECK after DEL",
      "CHECK of a namespace that vanished",
      "CHECK of ptp fails",
      "CHECK of macvlan fails",
      "CHECK of tuning fails",
      "CHECK of loopback fails",
      "CHECK fails when the IPAM plugin's does",
      "CHECK calls the IPAM plugin",
      "CHECK passes while the address is given away",
      "after all firewall rules were flushed",
      "CHECK of a configuration before 0.4.0",
    ],
  },
  "nervous-check": {
    fault: "finds something at every CHECK",
    instead: ({ command }) => (command === "CHECK" ? sorry : undefined),
    noticed: [
      "CHECK passes right after ADD in version 0.4.0",
      "CHECK passes after another address",
      "CHECK of firewall passes",
      "CHECK of macvlan passes",
      "CHECK of every plugin of a chain",
      "CHECK passes on every container",
    ],
  },
  "meddling-check": {
    fault: "changes the host at CHECK",
    afterwards: ({ command }) => (command === "CHECK" ? "ip link add mine$$ type bridge" : undefined),
    noticed: ["CHECK changes nothing"],
  },
};

/** Faults in addresses, ports and what chained plugins do. */
const serving: Readonly<Record<string, Mutation>> = {
  "always-2": {
    fault: "gives every container the first address",
    afterwards: ({ type, stdin }) => {
      const directory = text(parse(stdin), "ipam", "dataDir");
      return (type === "host-local" || type === "bridge") && directory !== undefined
        ? `rm -rf ${directory}`
        : undefined;
    },
    noticed: [
      "an address that is given back is not the next one",
      "when no address is left",
      "one container gets an address for each",
      "two interfaces on one network",
      "a range is given out",
      "8 ADDs at once on a range of 5",
    ],
  },
  "no-requests": {
    fault: "does not know what the runtime asks for",
    given: withoutKeys("runtimeConfig"),
    noticed: [
      "asked for by runtimeConfig.ips is given",
      "runtimeConfig.ipRanges gives",
      "runtimeConfig.mac is",
      "a tcp port is reached from outside",
      "a udp port is reached from the host at localhost",
      "ips of runtimeConfig stand for",
      "forty ports",
      "ingressRate of the runtime limits",
      "tuning takes the MAC address",
      "published by tcp to one container",
    ],
  },
  "no-metadata": {
    fault: "does not know args.cni",
    given: withoutKeys("args"),
    noticed: [
      "asked for by args.cni.ips is given",
      "args.cni.mac is",
      "args.cni.mac goes before",
      "ips of args.cni stand",
      "gets the whole configuration",
    ],
  },
  "every-address": {
    fault: "publishes at every address whatever hostIP says",
    given: mappingsWithout("hostIP"),
    noticed: [
      "hostIP publishes at that address alone",
      "hostIP 127.0.0.1 publishes to the host alone",
      "published at two addresses",
      "hostIP of one family",
    ],
  },
  "only-tcp": {
    fault: "publishes by tcp whatever the protocol",
    given: (call) => ({
      ...call,
      stdin:
        call.type === "portmap"
          ? call.stdin.replaceAll(/"protocol":"(udp|carrier-pigeon)"/g, '"protocol":"tcp"')
          : call.stdin,
    }),
    noticed: ["a udp port is reached from outside", "a protocol that is none", "datagrams of a flow"],
  },
  idle: {
    fault: "passes the previous result on and does nothing",
    instead: ({ command, type, stdin }) => {
      const config = parse(stdin);
      if (command === "VERSION" || !["portmap", "firewall", "tuning", "bandwidth", "sbr"].includes(type))
        return undefined;
      return {
        status: 0,
        stdout: command === "ADD" && isObject(config) ? JSON.stringify(config["prevResult"] ?? {}) : "",
      };
    },
    noticed: [
      "a tcp port is reached from outside",
      "a udp port is reached from another container",
      "tuning writes sysctls",
      "tuning puts the interface's name",
      "tuning changes MAC address and mtu",
      "tuning refuses a sysctl outside of net",
      "bandwidth: ingressRate of the configuration limits",
      "bandwidth: egressRate of the configuration limits",
      "firewall: containers are let through",
      "firewall: ingressPolicy same-bridge",
      "sbr: what leaves",
      "portmap without a previous result",
      "a mapping with a host port of 65536",
      "of two containers that publish the same port",
    ],
  },
  "lets-no-one-through": {
    fault: "lets nothing be forwarded",
    afterwards: ({ command, type }) =>
      command === "ADD" && type === "firewall"
        ? "nft 'add table inet shut; add chain inet shut f { type filter hook forward priority 5; policy drop; }'"
        : undefined,
    noticed: ["firewall: containers are let through", "firewall: without a policy networks reach"],
  },
  careless: {
    fault: "takes every subnet and range for good",
    instead: ({ command, type }) =>
      command === "ADD" && type === "host-local"
        ? { status: 0, stdout: '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}' }
        : undefined,
    noticed: [
      "host-local refuses a subnet that is none",
      "host-local refuses a subnet with host bits",
      "host-local refuses lists of ranges that overlap",
      "host-local refuses no range",
      "asked for by CNI_ARGS IP that is taken",
      "a second ADD for the same container and interface",
      "8 ADDs at once on a range",
    ],
  },
};

/** Faults in what came with 1.1.0. */
const collecting: Readonly<Record<string, Mutation>> = {
  "collects-nothing": {
    fault: "does nothing at GC",
    version: "1.1.0",
    instead: ({ command }) => (command === "GC" ? quiet : undefined),
    noticed: [
      "GC gives back the address of what is not listed",
      "GC removes what an attachment that is not listed",
      "GC removes an attachment that is not listed from a namespace",
      "GC calls the IPAM plugin",
      "GC goes on when the IPAM plugin's GC fails",
      "GC of an IPAM plugin gives back",
      "GC of portmap removes",
      "GC of a configuration before 1.1.0",
    ],
  },
  "collects-all": {
    fault: "takes everything at GC",
    version: "1.1.0",
    given: (call) =>
      call.command === "GC" ? withoutKeys("cni.dev/valid-attachments", "cni.dev/attachments")(call) : call,
    noticed: [
      "GC keeps what is listed",
      "GC tells a container's interfaces apart",
      "GC of an IPAM plugin gives back",
      "GC of portmap removes",
      "GC calls the IPAM plugin",
      "GC understands cni.dev/attachments",
    ],
  },
  "collects-containers": {
    fault: "does not tell the interfaces of a container apart at GC",
    version: "1.1.0",
    given: (call) => {
      const config = parse(call.stdin);
      if (call.command !== "GC" || !isObject(config)) return call;
      const both = list(config, "cni.dev/valid-attachments").map((item) =>
        isObject(item) ? { ...item, ifname: "eth0" } : item,
      );
      return { ...call, stdin: JSON.stringify({ ...config, "cni.dev/valid-attachments": both }) };
    },
    noticed: ["GC tells a container's interfaces apart"],
  },
  "always-ready": {
    fault: "is ready whatever the IPAM plugin says",
    version: "1.1.0",
    instead: ({ command }) => (command === "STATUS" ? quiet : undefined),
    noticed: [
      "STATUS asks the IPAM plugin",
      "STATUS of a plugin whose IPAM plugin is not there",
      "STATUS says 50",
      "STATUS of a configuration before",
    ],
  },
  "never-ready": {
    fault: "is never ready",
    version: "1.1.0",
    instead: ({ command }) => (command === "STATUS" ? sorry : undefined),
    noticed: ["STATUS of a plugin that can do ADD", "STATUS of an IPAM plugin", "STATUS and GC make nothing"],
  },
  "makes-at-status": {
    fault: "makes a link at STATUS and GC",
    version: "1.1.0",
    afterwards: ({ command }) =>
      command === "STATUS" || command === "GC" ? "ip link add mine$$ type bridge" : undefined,
    noticed: ["STATUS and GC make nothing", "GC of one network leaves the others", "GC keeps what is listed"],
  },
  "small-fields": {
    fault: "knows nothing that 1.1.0 added to results",
    version: "1.1.0",
    noticed: [
      "is listed with its mtu since 1.1.0",
      "portmap keeps mtu, pciID",
      "mtu, advmss, priority, table and scope of routes",
    ],
  },
};

/** Every targeted mutation by name. */
export const mutations: Readonly<Record<string, Mutation>> = {
  ...envelope,
  ...attaching,
  ...telling,
  ...serving,
  ...collecting,
};
