/**
 * The `cni` driver: endpoints that the plugins of a CNI network configuration list make. Nothing of them is described here: the model has the plugins executed, and keeps what they
 * told.
 */
import { PortolanError } from "../../errors.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Driver } from "../driver.ts";
import { endpointOptions, readEndpointOptions } from "../endpoint-options.ts";
import { malformedOption, readOptions } from "../options.ts";
import { type AskedList, askCapabilities } from "./capabilities.ts";

/** What a network's plugins are found by. A type, not an interface, so that it is a Json value. */
export type CniSource = {
  /** Path of the list, or of a single plugin's configuration. */
  readonly conflist: string;
  /** Absent: the usual ones. */
  readonly pluginDirectories?: readonly string[];
  /** Where results are remembered; absent: beside the engine's own state. */
  readonly cacheDirectory?: string;
};

/** What a cni network's record keeps in `config`: the list as it was when the network was made, whatever becomes of its file. */
export type CniConfig = AskedList &
  CniSource & {
    /** Text of the list, with the plugins that its folder held. */
    readonly list: string;
  };

/** The configuration of a cni network. */
const configOf = ({ config }: Pick<NetworkRecord, "config">): CniConfig => config as unknown as CniConfig; // configure made it

const networkOptions = { conflist: readPath, "plugin-dir": readPaths, "cache-dir": readPath } as const;

/** Options of an interface that the engine itself would have to make. */
const { "com.docker.network.endpoint.sysctls": _, ...understood } = endpointOptions;

export const cni: Driver = {
  name: "cni",
  scope: "local",
  singleton: false,
  addressed: false,
  named: true,
  networkOptions: Object.keys(networkOptions),
  endpointOptions: Object.keys(understood),
  requires: () => [],
  external: {
    source({ name, options: given }) {
      const options = readOptions("cni", "network", networkOptions, given);
      const { conflist, "plugin-dir": pluginDirectories, "cache-dir": cacheDirectory } = options;
      if (conflist === undefined) {
        throw new PortolanError("invalid-option", "a cni network needs the option conflist", {
          object: `network "${name}"`,
          advice: "name the file of the list: -o conflist=/etc/cni/net.d/NAME.conflist",
        });
      }
      return {
        conflist,
        ...(pluginDirectories !== undefined && { pluginDirectories }),
        ...(cacheDirectory !== undefined && { cacheDirectory }),
      } satisfies CniSource;
    },
    ask: (network, wishes) => askCapabilities(configOf(network), network.name, wishes),
  },
  configure({ name, internal }, { found, networks }) {
    if (found === undefined) throw new PortolanError("internal", `nothing was found for network ${name}`);
    if (internal) {
      throw new PortolanError("invalid-argument", "a cni network cannot be said to be internal", {
        object: `network "${name}"`,
        reason: "where it leads is what its list says",
        advice: "leave it out",
      });
    }
    const config = configOf({ config: found });
    const other = networks.find((one) => one.driver === "cni" && !one.configOnly && configOf(one).name === config.name);
    if (other === undefined) return config;
    throw new PortolanError("exists", `network ${other.name} is of a list "${config.name}" already`, {
      object: `network "${name}"`,
      reason: "plugins tell networks apart by the names in their lists",
      advice: "use that network, or give the list another name",
    });
  },
  describeNetwork: () => [],
  readEndpoint(_network, { options }) {
    // Refused by name, so that the nearest valid one is told.
    readOptions("cni", "endpoint", understood, options);
    return readEndpointOptions("cni", options);
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: () => "eth",
  describeJoin(_network, { external }) {
    const defaults = external?.defaults ?? [];
    const gateway = (wanted: 4 | 6) => defaults.find(({ family }) => family === wanted)?.gateway;
    const [gatewayIpv4, gatewayIpv6] = [gateway(4), gateway(6)];
    return {
      objects: [],
      ...(gatewayIpv4 !== undefined && { gatewayIpv4 }),
      ...(gatewayIpv6 !== undefined && { gatewayIpv6 }),
      defaultsMade: defaults.map(({ family }) => family),
    };
  },
};

/** Reads an absolute path: who executes may have another working directory than who asks. */
function readPath(text: string, key: string): string {
  if (text.startsWith("/") && !text.includes("\0")) return text;
  throw malformedOption(key, text, "give an absolute path");
}

/** Reads absolute paths, parted by colons as in CNI_PATH. */
function readPaths(text: string, key: string): readonly string[] {
  return text.split(":").map((path) => readPath(path, key));
}
