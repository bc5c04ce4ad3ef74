/**
 * Network configurations as they stand in files: lists (`*.conflist`), and single plugins (`*.conf`, `*.json`) that are wrapped into a list of one. Plugins keep
 * their text, which is what they are sent.
 */
import { dirname, join } from "node:path";
import { isPortolanError, PortolanError } from "../../errors.ts";
import { CniError } from "../protocol/cni-error.ts";
import { findRaw, type RawObject, readRawArray, readRawObject, setRaw, writeRaw } from "../protocol/raw-json.ts";
import type { CniVersion } from "../protocol/version.ts";
import { filesIn, readFile } from "./files.ts";
import { chooseVersion } from "./version-choice.ts";

/** A plugin's part of a configuration. */
export interface PluginConfiguration {
  /** Name of the executable. */
  readonly type: string;
  /** Capabilities that it declares. */
  readonly capabilities: readonly string[];
  /** As it was written. */
  readonly members: RawObject;
  /** The file that it stands in. */
  readonly file: string;
}

/** A network: the plugins that an attachment to it goes through. */
export interface NetworkConfiguration {
  readonly name: string;
  /** The version that its plugins are called with. */
  readonly version: CniVersion;
  readonly disableCheck: boolean;
  readonly disableGc: boolean;
  readonly plugins: readonly PluginConfiguration[];
  /** The file that it stands in. */
  readonly file: string;
  /** The list's text as caches keep it: with plugins from elsewhere in it. */
  readonly text: string;
}

/** Whether a file's name is that of a list. */
export const isList = (file: string): boolean => file.endsWith(".conflist");

/** Reads a file, and those of the folder beside it that belong to its network. Throws `invalid-argument` or `unsupported` that name the file. */
export function readNetworkFile(file: string): NetworkConfiguration {
  const text = readFile(file);
  return isList(file) ? readList(text, file, dirname(file)) : readList(wrap(text, file), file);
}

/** Reads a list's text; `file` is where it stands, and `directory` where a folder of the network's name may hold further plugins. */
export function readList(text: string, file: string, directory?: string): NetworkConfiguration {
  return located(file, () => {
    const list = readRawObject(text, "network configuration list");
    const name = textOf(list, "name") ?? "";
    checkName(name);
    const onlyInlined = switchOf(list, "loadOnlyInlinedPlugins");
    if (onlyInlined && findRaw(list, "plugins") === undefined) {
      throw refused("loadOnlyInlinedPlugins is set, and there are no plugins");
    }
    const inlined = pluginTexts(list).map((plugin) => readPlugin(plugin, file));
    const beside = onlyInlined || directory === undefined ? [] : pluginsIn(join(directory, name));
    const plugins = [...inlined, ...beside];
    if (plugins.length === 0) throw refused("it has no plugins");
    return {
      name,
      version: chooseVersion(textOf(list, "cniVersion"), textsOf(list, "cniVersions")),
      disableCheck: switchOf(list, "disableCheck"),
      disableGc: switchOf(list, "disableGC"),
      plugins,
      file,
      text: beside.length === 0 ? text : writeRaw(inlining(list, plugins)),
    };
  });
}

/** The list with all of its plugins in it. */
function inlining(list: RawObject, plugins: readonly PluginConfiguration[]): RawObject {
  const whole = setRaw(list, "plugins", `[${plugins.map(({ members }) => writeRaw(members)).join(",")}]`);
  return setRaw(whole, "loadOnlyInlinedPlugins", "true");
}

/** The name that a file gives its network, where that much can be read of it. */
export function nameIn(file: string): string | undefined {
  try {
    return textOf(readRawObject(readFile(file)), "name");
  } catch {
    return undefined; // what is wrong with it is told by who reads it whole
  }
}

/** A single plugin's text as a list's; a list that somebody named `.conf` is one. */
function wrap(text: string, file: string): string {
  return located(file, () => {
    const plugin = readRawObject(text);
    if (findRaw(plugin, "type") === undefined && findRaw(plugin, "plugins") !== undefined) {
      throw refused("it is a list, and its name does not end in .conflist");
    }
    const member = (key: string): RawObject => {
      const value = findRaw(plugin, key);
      return value === undefined ? [] : [{ key, text: value }];
    };
    return writeRaw([
      ...member("name"),
      ...member("cniVersion"),
      ...member("cniVersions"),
      // A configuration of one plugin has no folder of further ones.
      { key: "loadOnlyInlinedPlugins", text: "true" },
      { key: "plugins", text: `[${text.trim()}]` },
    ]);
  });
}

/** The plugins that a folder's `*.conf` hold, by the files' names. */
function pluginsIn(folder: string): readonly PluginConfiguration[] {
  return filesIn(folder, [".conf"]).map((own) => located(own, () => readPlugin(readFile(own), own)));
}

function readPlugin(text: string, file: string): PluginConfiguration {
  const members = readRawObject(text, "plugin");
  const type = textOf(members, "type") ?? "";
  if (type === "") throw refused("a plugin has no type");
  return { type, capabilities: capabilitiesOf(members), members, file };
}

function capabilitiesOf(plugin: RawObject): readonly string[] {
  const text = findRaw(plugin, "capabilities");
  if (text === undefined || text === "null") return [];
  return readRawObject(text, "capabilities").flatMap(({ key, text: value }) => (value === "true" ? [key] : []));
}

function pluginTexts(list: RawObject): readonly string[] {
  const text = findRaw(list, "plugins");
  if (text === undefined || text === "null") return [];
  const elements = readRawArray(text);
  if (elements === undefined) throw refused("plugins is no array");
  return elements;
}

/** A member that is a text; undefined where there is none. */
function textOf(object: RawObject, key: string): string | undefined {
  const value = memberOf(object, key);
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  throw refused(`${key} is no text`);
}

function textsOf(object: RawObject, key: string): readonly string[] {
  const value = memberOf(object, key) ?? [];
  if (Array.isArray(value) && value.every((one): one is string => typeof one === "string")) return value;
  throw refused(`${key} is no array of texts`);
}

/** A switch, which libcni takes as a text too. */
function switchOf(object: RawObject, key: string): boolean {
  const value = memberOf(object, key) ?? false;
  const word = typeof value === "string" ? value.toLowerCase() : value;
  if (word === true || word === "true") return true;
  if (word === false || word === "false") return false;
  throw refused(`${key} is neither true nor false`);
}

function memberOf(object: RawObject, key: string): unknown {
  const text = findRaw(object, key);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Throws `invalid-argument` where a text cannot be a network's name. */
function checkName(name: string): void {
  if (name === "") throw refused("the network has no name");
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) throw refused(`"${name}" cannot be a network's name`);
}

const refused = (reason: string): PortolanError => new PortolanError("invalid-argument", reason);

/** Runs `read`, and tells of the file where it fails. */
function located<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (isPortolanError(error) && error.object !== undefined) throw error;
    if (!isPortolanError(error) && !(error instanceof CniError)) throw error;
    throw new PortolanError(isPortolanError(error) ? error.code : "invalid-argument", `cannot use ${file}`, {
      object: `file "${file}"`,
      reason: error.message,
      advice: (isPortolanError(error) ? error.advice : undefined) ?? "mend the file, or move it out of the directory",
      cause: error,
    });
  }
}
