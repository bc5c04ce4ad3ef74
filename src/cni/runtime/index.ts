/**
 * A CNI runtime as a library: `portolan/cni`. `new CniRuntime()` finds networks in configuration directories and attaches containers to them by any plugin, with
 * the caches that libcni reads and writes.
 */
export { isPortolanError, PortolanError } from "../../errors.ts";
export type { Attachment } from "../protocol/environment.ts";
export type * from "../protocol/result.ts";
export type { CniVersion } from "../protocol/version.ts";
export type { AddOptions } from "./add.ts";
export type { CacheListing, UnreadableEntry } from "./cache.ts";
export type { CachedAttachment } from "./cache-entry.ts";
export type { Collected } from "./collect.ts";
export type { Directories, FoundNetwork, UnusableFile } from "./directories.ts";
export { PluginFailure } from "./failure.ts";
export { type NetworkConfiguration, type PluginConfiguration, readList, readNetworkFile } from "./network.ts";
export * from "./runtime.ts";
export type { Choice } from "./which.ts";
