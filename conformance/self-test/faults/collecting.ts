/** Faults in what came with 1.1.0. */
import { isObject, list, parse } from "../../suite/json.ts";
import { type Mutation, quiet, sorry, withoutKeys } from "../mutation.ts";

/** Faults in what came with 1.1.0. */
export const collecting: Readonly<Record<string, Mutation>> = {
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
