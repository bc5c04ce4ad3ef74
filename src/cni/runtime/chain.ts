/** Calls the plugins of a network: one at a time, each with what it is to know. */
import { PortolanError } from "../../errors.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import type { CniCommand } from "../protocol/environment.ts";
import { type AttachmentCall, type Inserted, pluginEnvironment, pluginInput } from "./call.ts";
import { execute, type Outcome } from "./execute.ts";
import { type PluginFailure, type PluginWords, pluginFailure, readFailure } from "./failure.ts";
import type { NetworkConfiguration, PluginConfiguration } from "./network.ts";
import { findPlugin } from "./plugin-path.ts";
import { fittedResult } from "./result.ts";
import { supportedVersions } from "./supported-versions.ts";

/** How plugins are run. */
export interface Surroundings {
  /** Directories that executables are looked for in, as CNI_PATH names them. */
  readonly pluginDirectories: readonly string[];
  /** The environment that plugins get beside CNI's variables. */
  readonly environment: NodeJS.ProcessEnv;
  /** Milliseconds that each execution may take; absent: as long as it likes. */
  readonly timeout?: number;
  /** Is told what a plugin that succeeded wrote to its standard error. */
  readonly onWords?: (plugin: string, words: string) => void;
}

/** A call of one plugin. */
export interface PluginCall {
  readonly command: Exclude<CniCommand, "VERSION">;
  readonly network: NetworkConfiguration;
  readonly plugin: PluginConfiguration;
  readonly attachment?: AttachmentCall;
  readonly inserted?: Omit<Inserted, "capabilities">;
  readonly signal?: AbortSignal;
}

/** Calls a plugin; what it printed. Throws PluginFailure, `not-found` where there is no such plugin, or `aborted`. */
export async function callPlugin(surroundings: Surroundings, call: PluginCall): Promise<string> {
  const { command, network, plugin, attachment, signal } = call;
  const { pluginDirectories, environment, timeout } = surroundings;
  const path = findPlugin(plugin.type, pluginDirectories);
  const limits = { ...(timeout !== undefined && { timeout }), ...(signal && { signal }) };
  const outcome = await run(call, timeout, () =>
    execute({
      path,
      environment: pluginEnvironment(command, pluginDirectories, attachment, environment),
      input: pluginInput(network, plugin, {
        ...call.inserted,
        ...(attachment && { capabilities: attachment.capabilities }),
      }),
      ...limits,
    }),
  );
  if (outcome.status === 0) {
    if (outcome.stderr.trim() !== "") surroundings.onWords?.(plugin.type, outcome.stderr.trim());
    return outcome.stdout;
  }
  const words = readFailure(outcome.stdout, outcome.stderr, outcome);
  const advice =
    words.code === cniCode.incompatibleVersion ? await versionAdvice(path, environment, call, limits) : undefined;
  throw failure(call, words, advice);
}

/** Calls a plugin for ADD; its result in the network's version. */
export async function addByPlugin(surroundings: Surroundings, call: Omit<PluginCall, "command">): Promise<string> {
  const whole: PluginCall = { ...call, command: "ADD" };
  const text = await callPlugin(surroundings, whole);
  try {
    return fittedResult(text, call.network.version);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw failure(whole, { message: `its result cannot be used: ${error.message}` });
  }
}

/** Runs an execution, and tells of one that did not end by itself or could not begin. */
async function run(call: PluginCall, timeout: number | undefined, work: () => Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome;
  try {
    outcome = await work();
  } catch (error) {
    if (call.signal?.aborted) throw aborted(call);
    throw failure(call, { message: `it cannot be executed: ${error instanceof Error ? error.message : error}` });
  }
  switch (outcome.killed) {
    case "aborted":
      throw aborted(call);
    case "timeout":
      throw failure(
        call,
        { message: `it did not end within ${(timeout ?? 0) / 1000} s, and was killed` },
        "give it a longer timeout, or see what it waits for",
      );
    case "output":
      throw failure(call, { message: "it printed more than 16 MiB, and was killed" });
    default:
      return outcome;
  }
}

const what = ({ command, network }: PluginCall): string => `${command} of network "${network.name}"`;

const failure = (call: PluginCall, words: PluginWords, advice?: string): PluginFailure =>
  pluginFailure(what(call), call.plugin.type, words, advice);

function aborted(call: PluginCall): Error {
  const reason: unknown = call.signal?.reason;
  // Whoever takes a call back says why.
  return reason instanceof PortolanError ? reason : new PortolanError("aborted", `${what(call)} was taken back`);
}

/** What a plugin that refuses the version would take. */
async function versionAdvice(
  path: string,
  environment: NodeJS.ProcessEnv,
  { network }: PluginCall,
  limits: { readonly timeout?: number; readonly signal?: AbortSignal },
): Promise<string | undefined> {
  try {
    const spoken = await supportedVersions(path, { environment, ...limits });
    return `it speaks ${spoken.join(", ")}, and the network is of ${network.version}`;
  } catch {
    return undefined; // the refusal itself is what there is to tell
  }
}
