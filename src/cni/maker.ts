/** Endpoints of the engine's networks that CNI plugins make: what the model asks for by an endpoint maker, done by the runtime. */
import { join } from "node:path";
import { type InterfaceAddress, parseInterfaceAddress } from "../address/cidr.ts";
import { parseMac } from "../address/mac.ts";
import type { CniConfig, CniSource } from "../drivers/cni/index.ts";
import { isPortolanError, PortolanError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { EndpointMaker, MadeEndpoint, MakersEndpoint } from "../model/endpoint-maker.ts";
import { isOwnPlugin } from "./installed.ts";
import type { CniResult } from "./protocol/result.ts";
import type { AttachmentRequest, CniRuntime, NetworkConfiguration } from "./runtime/index.ts";

/** How long each plugin may take before it is killed, milliseconds. */
const patience = 120_000;

/** The makers of an engine that keeps its state in a directory, by driver. */
export const endpointMakers = ({ stateDir }: { readonly stateDir: string }): ReadonlyMap<string, EndpointMaker> =>
  new Map([["cni", new CniMaker(join(stateDir, "cni"))]]);

class CniMaker implements EndpointMaker {
  readonly #cacheDirectory: string;
  /** By their directories: operations on a container wait for each other within one. */
  readonly #runtimes = new Map<string, Promise<CniRuntime>>();

  constructor(cacheDirectory: string) {
    this.#cacheDirectory = cacheDirectory;
  }

  async find(given: Json, signal: AbortSignal | undefined): Promise<Json> {
    const source = given as unknown as CniSource; // the driver's own
    const runtime = await this.#runtime(source);
    const { readNetworkFile } = await import("./runtime/network.ts");
    const network = readNetworkFile(source.conflist);
    const call = signal && { signal };
    for (const type of new Set(network.plugins.map((plugin) => plugin.type))) {
      refuseOwn(type, runtime.pluginPath(type), network);
      await checkVersion(runtime, type, network, call);
    }
    await runtime.status(network, call);
    return {
      ...source,
      name: network.name,
      capabilities: [...new Set(network.plugins.flatMap(({ capabilities }) => capabilities))],
      list: network.text,
    } satisfies CniConfig;
  }

  async make(endpoint: MakersEndpoint, signal: AbortSignal | undefined): Promise<MadeEndpoint> {
    const { runtime, network, attachment } = await this.#attachment(endpoint);
    const { result } = await runtime.add(network, attachment, signal && { signal });
    try {
      return madeOf(result, attachment.interfaceName);
    } catch (error) {
      const refusal = new PortolanError("plugin", `what the plugins of network ${network.name} told cannot be used`, {
        object: `network "${endpoint.network.name}"`,
        reason: error instanceof Error ? error.message : String(error),
        cause: error,
        suppressed: await failuresOf(runtime.del(network, attachment)),
      });
      throw refusal;
    }
  }

  async takeAway(endpoint: MakersEndpoint): Promise<void> {
    const { runtime, network, attachment } = await this.#attachment(endpoint);
    await runtime.del(network, attachment);
  }

  async #attachment({ network, sandboxId, namespace, interfaceName, asked }: MakersEndpoint): Promise<{
    readonly runtime: CniRuntime;
    readonly network: NetworkConfiguration;
    readonly attachment: AttachmentRequest;
  }> {
    const config = network.config as unknown as CniConfig; // find made it
    const { readList } = await import("./runtime/network.ts");
    return {
      runtime: await this.#runtime(config),
      network: readList(config.list, `the list of network "${network.name}"`),
      attachment: { containerId: sandboxId, interfaceName, namespace, capabilities: asked },
    };
  }

  #runtime({ pluginDirectories, cacheDirectory = this.#cacheDirectory }: CniSource): Promise<CniRuntime> {
    return this.#runtimes.getOrInsertComputed(JSON.stringify([pluginDirectories, cacheDirectory]), async () => {
      // Most engines have no such network.
      const { CniRuntime } = await import("./runtime/index.ts");
      return new CniRuntime({
        configurationDirectories: [],
        cacheDirectory,
        timeout: patience,
        ...(pluginDirectories && { pluginDirectories }),
      });
    });
  }
}

/** A plugin of ours would ask the engine that waits for it. */
function refuseOwn(type: string, path: string, { file }: NetworkConfiguration): void {
  if (!isOwnPlugin(path)) return;
  throw new PortolanError("invalid-argument", `the plugin "${type}" is this engine's own`, {
    object: `file "${file}"`,
    reason: `${path} was written by \`portolan cni install\``,
    advice:
      "create the network by its driver, as -d bridge; or name the directory of other plugins (-o plugin-dir=DIR)",
  });
}

async function checkVersion(
  runtime: CniRuntime,
  type: string,
  { file, version }: NetworkConfiguration,
  call: { readonly signal: AbortSignal } | undefined,
): Promise<void> {
  const spoken = await runtime.versionsOf(type, call);
  if (spoken.includes(version)) return;
  throw new PortolanError("unsupported", `the plugin "${type}" does not speak version ${version} of CNI`, {
    object: `file "${file}"`,
    reason: `it speaks ${spoken.join(", ")}`,
    advice: "write another cniVersion in the list, or install a plugin that speaks it",
  });
}

/** What a result tells of the container's side. Throws where an address is none. */
function madeOf({ interfaces, ips }: CniResult, interfaceName: string): MadeEndpoint {
  const inside = interfaces.filter(({ sandbox }) => sandbox !== undefined);
  const mac = (inside.find(({ name }) => name === interfaceName) ?? inside[0])?.mac;
  const own = ips.filter(({ interface: at }) => at === undefined || interfaces[at]?.sandbox !== undefined);
  const addresses: readonly InterfaceAddress[] = own.map(({ address }) => parseInterfaceAddress(address));
  return { ...(mac !== undefined && { mac: parseMac(mac) }), addresses };
}

async function failuresOf(work: Promise<void>): Promise<readonly unknown[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    return [error];
  }
}
