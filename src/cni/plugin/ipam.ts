/** Address management of a call: by the engine itself where the plugin found is its own, else by executing what the configuration names. */

import { isOwnPlugin } from "../installed.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, emptyResult } from "../protocol/result.ts";
import type { AttachmentCall, BaseCall } from "./call.ts";
import { execute, executeAdd, findPlugin, notFound } from "./delegate.ts";
import * as hostLocal from "./host-local.ts";
import * as fixed from "./static.ts";

type Command = "ADD" | "CHECK" | "DEL" | "GC" | "STATUS";

/** Address management that a call names, and where it is; undefined where the configuration has none. */
function managerOf(call: BaseCall): { readonly type: string; readonly file: string | undefined } | undefined {
  const type = call.config.object("ipam")?.text("type") ?? "";
  if (type === "") return undefined;
  const file = findPlugin(call.path, type);
  const own = type === "host-local" || type === "static";
  if (file === undefined && !own) throw notFound(call.path, type);
  return { type, file: file !== undefined && own && isOwnPlugin(file) ? undefined : file };
}

/** Whether the configuration has address management. */
export const hasIpam = (call: BaseCall): boolean => (call.config.object("ipam")?.text("type") ?? "") !== "";

/** Asks for addresses. When that fails, what was kept is given back. Throws CniError; also where no address came. */
export async function addAddresses(call: AttachmentCall): Promise<CniResult> {
  const manager = managerOf(call);
  if (manager === undefined) return emptyResult;
  const { type, file } = manager;
  if (file === undefined) return type === "static" ? fixed.add(call) : hostLocal.add(call, "along");
  try {
    const result = await executeAdd(call, file);
    if (result.ips.length === 0) throw new CniError(cniCode.other, "IPAM plugin returned missing IP config");
    return result;
  } catch (error) {
    await execute(call, file, "DEL").catch(() => undefined);
    throw error;
  }
}

/** Does the same as the call's command for the addresses; throws CniError. */
async function pass(call: BaseCall, command: Exclude<Command, "ADD">, own: () => Promise<void>): Promise<void> {
  const manager = managerOf(call);
  if (manager === undefined) return;
  if (manager.file !== undefined) await execute(call, manager.file, command);
  else if (manager.type === "host-local") await own();
}

export const giveAddressesBack = (call: AttachmentCall): Promise<void> => pass(call, "DEL", () => hostLocal.del(call));

export async function checkAddresses(call: AttachmentCall): Promise<void> {
  const manager = managerOf(call);
  if (manager?.type === "static" && manager.file === undefined) return fixed.check(call);
  await pass(call, "CHECK", () => hostLocal.check(call));
}

export const collectAddresses = (call: BaseCall): Promise<void> => pass(call, "GC", () => hostLocal.gc(call));

export const addressesReady = (call: BaseCall): Promise<void> => pass(call, "STATUS", () => hostLocal.status(call));
