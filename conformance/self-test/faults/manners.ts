/** Faults in what a plugin accepts. */
import { text } from "../../suite/json.ts";
import { configOf, holds, type Mutation, quiet, sorry } from "../mutation.ts";

const attachmentless = (type: string): boolean => type === "host-local" || type === "static";

/** Faults in what a plugin accepts. */
export const manners: Readonly<Record<string, Mutation>> = {
  "yes-man": {
    fault: "finds nothing to refuse",
    answered: (answer) => ({ ...answer, status: 0 }),
    noticed: ["is refused", "refuses"],
  },
  wordless: {
    fault: "says nothing but no in its errors",
    answered: (answer) =>
      answer.status === 0
        ? answer
        : {
            ...answer,
            stdout: answer.stdout
              .replace(/"msg": *"(\\.|[^"\\])*"/, '"msg": "no"')
              .replace(/"details": *"(\\.|[^"\\])*"/, '"details": ""'),
          },
    noticed: [
      "naming it",
      "names all of them",
      "words that hold both sides' versions",
      "passes its code and words on",
      "when no address is left the error says so",
    ],
  },
  "reserved-codes": {
    fault: "gives its own errors a code that the protocol keeps for itself",
    answered: (answer) => ({ ...answer, stdout: answer.stdout.replace(/"code": *999/, '"code": 12') }),
    noticed: ["a code that the protocol leaves to plugins", "with a code of its own"],
  },
  "knows-its-keys": {
    fault: "refuses keys that it does not know",
    instead: (call) => {
      const known = /^(cniVersion|name|type|bridge|isGateway|ipam|prevResult|isDefaultGateway|mtu)$/;
      const strangers = Object.keys(configOf(call)).filter((key) => !known.test(key));
      return call.type === "bridge" && strangers.length > 0 ? sorry : undefined;
    },
    noticed: [
      "unknown keys of the configuration",
      "which libcni leaves in",
      "metadata under args.cni",
      "are accepted",
      "is accepted",
      "capability arguments that nobody knows",
      "a configuration of a megabyte",
    ],
  },
  "knows-its-args": {
    fault: "refuses keys of CNI_ARGS that it does not know",
    instead: ({ environment }) => (/K8S/.test(environment["CNI_ARGS"] ?? "") ? sorry : undefined),
    noticed: ["IgnoreUnknown=", "CNI_ARGS IP passes through"],
  },
  "needs-a-path": {
    fault: "needs PATH",
    instead: ({ environment }) => (environment["PATH"] === undefined ? sorry : undefined),
    noticed: ["an environment of nothing but"],
  },
  "short-of-breath": {
    fault: "reads no more than 64 KiB",
    given: (call) => ({ ...call, stdin: call.stdin.slice(0, 65_536) }),
    noticed: ["a configuration of a megabyte"],
  },
  "reads-letters": {
    fault: "does not know JSON's escapes",
    given: (call) => ({ ...call, stdin: call.stdin.replaceAll(/\\u[0-9a-f]{4}/g, "x") }),
    noticed: ["keys and values with JSON escapes"],
  },
  "shy-of-proc": {
    fault: "refuses namespaces under /proc",
    instead: ({ environment }) => ((environment["CNI_NETNS"] ?? "").startsWith("/proc/") ? sorry : undefined),
    noticed: ["/proc/PID/ns/net"],
  },
  "narrow-names": {
    fault: "takes lower-case letters and digits alone for names",
    instead: ({ environment }) =>
      /[^a-z0-9]/.test(environment["CNI_CONTAINERID"] ?? "") || (environment["CNI_IFNAME"] ?? "").length > 10
        ? sorry
        : undefined,
    noticed: ["a container id may hold letters", "an interface name of 15 octets"],
  },
  "misses-interfaces": {
    fault: "refuses DEL when there is nothing to take away",
    instead: (call) => {
      const { command, type, environment } = call;
      if (command !== "DEL") return undefined;
      const directory = text(configOf(call), "ipam", "dataDir");
      const there = attachmentless(type)
        ? directory !== undefined && holds(`grep -rqs '^${environment["CNI_CONTAINERID"]}' ${directory}`)
        : holds(`nsenter --net='${environment["CNI_NETNS"]}' ip link show dev ${environment["CNI_IFNAME"]}`);
      return there ? undefined : sorry;
    },
    noticed: [
      "DEL again succeeds",
      "10 DELs of one",
      "after somebody took the interface away",
      "DEL of what has no address",
      "path names a file",
      "DEL succeeds with lo up",
    ],
  },
  exclusive: {
    fault: "refuses to work beside itself",
    instead: ({ command }) => (command !== "VERSION" && !holds("mkdir /run/busy") ? sorry : undefined),
    answered: (answer) => {
      if (answer !== sorry) holds("rmdir /run/busy");
      return answer;
    },
    noticed: [
      "20 ADDs at once on an IPAM",
      "10 DELs of one",
      "do not disturb each other",
      "ADDs on ten networks",
      "8 containers that publish",
    ],
  },
  "strict-check": {
    fault: "fails CHECK when the container has more than ADD gave it",
    answered: (answer, { command, environment }) =>
      command === "CHECK" &&
      holds(
        `nsenter --net='${environment["CNI_NETNS"]}' sh -c '[ $(ip -4 -o address show dev eth0 | wc -l) != 1 ] || [ $(ip route | wc -l) -gt 2 ] || [ $(ip -o link | wc -l) -gt 2 ] || ip link show eth0 | grep -q "mtu 1[34]"'`,
      )
        ? sorry
        : answer,
    noticed: ["CHECK passes after", "CHECK of every plugin of a chain"],
  },
  "quiet-del": {
    fault: "prints a result at DEL",
    answered: (answer, { command }) =>
      command === "DEL" || command === "CHECK" ? { ...answer, stdout: "{}" } : answer,
    noticed: ["CHECK and DEL print nothing"],
  },
  speechless: {
    fault: "says nothing when it has no command",
    instead: ({ command }) => (command === "" ? quiet : undefined),
    noticed: ["introduces itself"],
  },
};
