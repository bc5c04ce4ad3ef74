/**
 * A CNI runtime: attaches containers to networks by executing plugins, as libcni does. Operations on one container wait for each other, and GC waits for all of its
 * network's; across processes that is the caller's duty, as everywhere (SPEC.md, "Lifecycle & Ordering").
 */
import { PortolanError } from "../../errors.ts";
import type { Json } from "../../json.ts";
import { Locks } from "../../model/locks.ts";
import type { Attachment } from "../protocol/environment.ts";
import { type RawObject, readRawObject } from "../protocol/raw-json.ts";
import { type CniResult, readResult } from "../protocol/result.ts";
import { type AddOptions, addAttachment } from "./add.ts";
import { type CacheListing, ResultCache, standardCacheDirectory } from "./cache.ts";
import { type CallArguments, checkAttachment as checkNames } from "./call.ts";
import type { Surroundings } from "./chain.ts";
import { checkAttachment } from "./check.ts";
import { type Collected, collectGarbage } from "./collect.ts";
import { deleteAttachment } from "./delete.ts";
import {
  type Directories,
  type FoundNetwork,
  filesByName,
  findNetwork,
  readFiles,
  standardDirectory,
} from "./directories.ts";
import { type NetworkConfiguration, readList } from "./network.ts";
import { findPlugin, standardPluginDirectories } from "./plugin-path.ts";
import { networkStatus } from "./status.ts";
import { supportedVersions } from "./supported-versions.ts";
import { type Choice, chosenByName, chosenForPods } from "./which.ts";

export interface RuntimeOptions extends Partial<Surroundings> {
  /** Directories of network configurations (default /etc/cni/net.d). */
  readonly configurationDirectories?: readonly string[];
  /** Where results are remembered (default /var/lib/cni, libcni's). */
  readonly cacheDirectory?: string;
}

/** An attachment as callers name it. */
export interface AttachmentRequest extends Omit<Attachment, "namespace"> {
  /** Absolute path of the container's network namespace. For CHECK and DEL, absent: that of ADD, where it is known. */
  readonly namespace?: string;
  /** CNI_ARGS. For CHECK and DEL, absent: those of ADD. */
  readonly args?: Readonly<Record<string, string>>;
  /** What plugins that declare a capability get in runtimeConfig, by the capability. For CHECK and DEL, absent: those of ADD. */
  readonly capabilities?: Readonly<Record<string, Json>>;
}

/** What an ADD came to. */
export interface Added {
  readonly result: CniResult;
  /** As the last plugin printed it, in the network's version. */
  readonly text: string;
}

export interface CallOptions {
  /** Kills the plugin that runs when aborted. */
  readonly signal?: AbortSignal;
}

/** Methods throw PortolanError: `plugin` (PluginFailure) where a plugin failed, `unavailable` where it says so, and what each one tells. */
export class CniRuntime {
  readonly #directories: readonly string[];
  readonly #surroundings: Surroundings;
  readonly #cache: ResultCache;
  readonly #locks = new Locks();

  constructor(options: RuntimeOptions = {}) {
    const { configurationDirectories, cacheDirectory, pluginDirectories, environment, ...more } = options;
    this.#directories = configurationDirectories ?? [standardDirectory];
    this.#cache = new ResultCache(cacheDirectory ?? standardCacheDirectory);
    this.#surroundings = {
      pluginDirectories: pluginDirectories ?? standardPluginDirectories,
      environment: environment ?? process.env,
      ...more,
    };
  }

  /** Every network of the directories, in the order in which a name is looked for, and files that cannot be used. */
  networks(): Directories {
    return readFiles(filesByName(this.#directories));
  }

  /** A network by its name; throws `not-found`, or why its own file cannot be used. */
  network(name: string): FoundNetwork {
    return findNetwork(this.#directories, name);
  }

  /** The file in which a network is found by its name, and why; undefined where none holds it. */
  chosenByName(name: string): Choice | undefined {
    return chosenByName(this.#directories, name);
  }

  /** The file that a CRI runtime takes for pods, and why. */
  chosenForPods(): Choice | undefined {
    return chosenForPods(this.#directories);
  }

  /** The network as it was when an attachment was made; undefined where the cache has none. */
  networkOf(name: string, { containerId, interfaceName }: AttachmentRequest): NetworkConfiguration | undefined {
    const found = this.#cache.find({ network: name, containerId, interfaceName });
    if (found.kind !== "attachment" || found.attachment.configuration === "") return undefined;
    return readList(found.attachment.configuration, `the configuration of "${name}" in the cache`);
  }

  /** Attaches a container. What failed plugins left is deleted again, unless `keepFailed`. Throws `exists` where the interface is attached. */
  add(network: NetworkConfiguration, request: AttachmentRequest, options: AddOptions = {}): Promise<Added> {
    const attachment = { ...identityOf("ADD", request), args: [], capabilities: [], ...argumentsOf(request) };
    return this.#holding(network, request, async () => {
      const text = await addAttachment(this.#surroundings, this.#cache, network, attachment, options);
      return { text, result: readResult(JSON.parse(text)) };
    });
  }

  /** Detaches a container; no error where it is not attached. */
  del(network: NetworkConfiguration, request: AttachmentRequest, { signal }: CallOptions = {}): Promise<void> {
    const named = { ...identityOf("DEL", request), ...argumentsOf(request) };
    return this.#holding(network, request, () =>
      deleteAttachment(this.#surroundings, this.#cache, network, named, signal),
    );
  }

  /** Whether an attachment is as ADD made it; false where the network disables the question. Throws what is wrong. */
  check(network: NetworkConfiguration, request: AttachmentRequest, { signal }: CallOptions = {}): Promise<boolean> {
    const named = { ...identityOf("DEL", request), ...argumentsOf(request) };
    return this.#holding(network, request, () =>
      checkAttachment(this.#surroundings, this.#cache, network, named, signal),
    );
  }

  /** Deletes what belongs to no valid attachment. No valid ones at all must be said by `"none"`: it deletes everything. */
  gc(
    network: NetworkConfiguration,
    valid: readonly Attachment[] | "none",
    { signal }: CallOptions = {},
  ): Promise<Collected> {
    if (valid.length === 0) {
      throw new PortolanError("invalid-argument", "GC without valid attachments would delete all of them", {
        object: `network "${network.name}"`,
        advice: "say so if that is what is meant",
      });
    }
    const kept = valid === "none" ? [] : valid;
    for (const one of kept) checkNames("DEL", one);
    return this.#locks.hold([{ key: networkKey(network), mode: "exclusive" }], () =>
      collectGarbage(this.#surroundings, this.#cache, network, kept, signal),
    );
  }

  /** Whether a network can serve an ADD; false where its version has no such question. Throws why it cannot. */
  status(network: NetworkConfiguration, { signal }: CallOptions = {}): Promise<boolean> {
    return networkStatus(this.#surroundings, network, signal);
  }

  /** What the cache holds. */
  attachments(): CacheListing {
    return this.#cache.list();
  }

  /** Where a plugin's executable is; throws `not-found`. */
  pluginPath(type: string): string {
    return findPlugin(type, this.#surroundings.pluginDirectories);
  }

  /** Which versions a plugin speaks; throws `not-found` or `plugin`. */
  versionsOf(type: string, { signal }: CallOptions = {}): Promise<readonly string[]> {
    return supportedVersions(this.pluginPath(type), { ...this.#surroundings, ...(signal && { signal }) });
  }

  #holding<Result>(
    network: NetworkConfiguration,
    { containerId }: AttachmentRequest,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const container = { key: `container ${containerId}`, mode: "exclusive" } as const;
    return this.#locks.hold([{ key: networkKey(network), mode: "shared" }, container], work);
  }
}

const networkKey = ({ name }: NetworkConfiguration): string => `network ${name}`;

/** Throws `invalid-argument` where plugins would refuse it. */
function identityOf(command: "ADD" | "DEL", { containerId, interfaceName, namespace }: AttachmentRequest): Attachment {
  if (namespace !== undefined && !isPath(namespace)) {
    throw new PortolanError("invalid-argument", `"${namespace}" is no absolute path of a network namespace`, {
      object: `attachment "${interfaceName}" of container "${containerId}"`,
    });
  }
  const identity = { containerId, interfaceName, ...(namespace !== undefined && { namespace }) };
  checkNames(command, identity);
  return identity;
}

const isPath = (text: string): text is `/${string}` => text.startsWith("/");

const argumentsOf = ({ args, capabilities }: AttachmentRequest): Partial<CallArguments> => ({
  ...(args !== undefined && { args: Object.entries(args) }),
  ...(capabilities !== undefined && { capabilities: rawCapabilities(capabilities) }),
});

const rawCapabilities = (capabilities: Readonly<Record<string, Json>>): RawObject =>
  readRawObject(JSON.stringify(capabilities), "capabilities");
