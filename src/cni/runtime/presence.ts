/** Whether a namespace has an interface of a name: what was there before an ADD is not for its undoing. */
import { KernelError } from "../../kernel/kernel.ts";
import { closeNamespace, enterNamespaceAt, openOwnNamespace } from "../../kernel/namespace.ts";
import { closeSocket, interfaceIndex, netlinkDomain, rawSocket, socket } from "../../kernel/syscalls.ts";
import { systemCode } from "./files.ts";

/** ENODEV, ENOENT */
const absent: readonly number[] = [19, 2];

/** Whether the interface is there; undefined where this process may not look. */
export function hasInterface(namespace: string, name: string): boolean | undefined {
  const home = openOwnNamespace();
  try {
    return enterNamespaceAt(namespace, home, () => {
      const descriptor = socket(netlinkDomain, rawSocket, 0);
      try {
        interfaceIndex(descriptor, name);
        return true;
      } finally {
        closeSocket(descriptor);
      }
    });
  } catch (error) {
    if (error instanceof KernelError) return absent.includes(error.refusal.errno) ? false : undefined;
    if (systemCode(error) === "EACCES") return undefined;
    throw error;
  } finally {
    closeNamespace(home);
  }
}
