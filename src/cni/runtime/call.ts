/** What a plugin is called with: its environment, and the configuration on its standard input (SPEC.md, "Parameters"; "Deriving request configuration"). */
import { PortolanError } from "../../errors.ts";
import { CniError } from "../protocol/cni-error.ts";
import { type Attachment, type CniCommand, readEnvironment } from "../protocol/environment.ts";
import { findRaw, type RawObject, setRaw, writeRaw } from "../protocol/raw-json.ts";
import type { NetworkConfiguration, PluginConfiguration } from "./network.ts";

/** What an attachment is called with beside its identity. */
export interface CallArguments {
  /** CNI_ARGS: deprecated, and still what many plugins read. */
  readonly args: readonly (readonly [key: string, value: string])[];
  /** By capability, what runtimeConfig gets of it where the plugin declares it. */
  readonly capabilities: RawObject;
}

/** An attachment as plugins are called for it. */
export interface AttachmentCall extends Attachment, CallArguments {}

/** The environment of a call: all of `base`, and CNI's variables, unused ones empty, as libcni sets them. */
export function pluginEnvironment(
  command: CniCommand,
  path: readonly string[],
  attachment: AttachmentCall | undefined,
  base: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return {
    ...base,
    CNI_COMMAND: command,
    CNI_CONTAINERID: attachment?.containerId ?? "",
    CNI_NETNS: attachment?.namespace ?? "",
    CNI_ARGS: (attachment?.args ?? []).map(([key, value]) => `${key}=${value}`).join(";"),
    CNI_IFNAME: attachment?.interfaceName ?? "",
    CNI_PATH: path.join(":"),
  };
}

/** What is inserted into a plugin's configuration beside its version and name; texts are JSON. */
export interface Inserted {
  readonly prevResult?: string;
  readonly capabilities?: RawObject;
  /** The attachments that GC is to keep. */
  readonly valid?: readonly Attachment[];
}

/**
 * A plugin's configuration as it is sent: its own text with what the runtime has to say in it. `capabilities` is not for plugins to see, and prevResult is the
 * runtime's alone.
 */
export function pluginInput(
  { name, version }: NetworkConfiguration,
  plugin: PluginConfiguration,
  { prevResult, capabilities = [], valid }: Inserted,
): string {
  const offered = plugin.capabilities.flatMap((key) => {
    const text = findRaw(capabilities, key);
    return text === undefined ? [] : [{ key, text }];
  });
  const keep =
    valid && JSON.stringify(valid.map((one) => ({ containerID: one.containerId, ifname: one.interfaceName })));
  let sent = setRaw(plugin.members, "cniVersion", JSON.stringify(version));
  sent = setRaw(sent, "name", JSON.stringify(name));
  sent = setRaw(sent, "capabilities", undefined);
  sent = setRaw(sent, "prevResult", prevResult);
  if (offered.length > 0) sent = setRaw(sent, "runtimeConfig", writeRaw(offered));
  sent = setRaw(sent, "cni.dev/valid-attachments", keep);
  // libcni's first name of it (containernetworking/cni#1101), which plugins may still read.
  return writeRaw(setRaw(sent, "cni.dev/attachments", keep));
}

/** Throws `invalid-argument` where a plugin would refuse the attachment's names. */
export function checkAttachment(command: "ADD" | "CHECK" | "DEL", attachment: Attachment): void {
  try {
    readEnvironment({
      CNI_COMMAND: command,
      CNI_CONTAINERID: attachment.containerId,
      CNI_IFNAME: attachment.interfaceName,
      CNI_NETNS: attachment.namespace,
    });
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw new PortolanError("invalid-argument", `this cannot be an attachment: ${error.message}`, {
      object: `attachment "${attachment.interfaceName}" of container "${attachment.containerId}"`,
      cause: error,
    });
  }
}
