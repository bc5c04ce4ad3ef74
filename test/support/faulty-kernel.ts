/** A kernel whose changes can be made to fail: every netlink message that changes something counts, and every call that does. */
import { type Kernel, KernelError, type KernelRefusal, type NetlinkFamily } from "../../src/kernel/kernel.ts";
import type { NetlinkMessage } from "../../src/kernel/netlink/message.ts";
import type { Faults } from "./faults.ts";

/** Wraps a kernel. It is closed with its wrapper. What is sent aside is done in the pauses, at no time that a test could count on, and never fails. */
export function createFaultyKernel(kernel: Kernel, faults: Faults): Kernel {
  /** Makes a change that is one call, or throws the refusal. */
  function call(words: string, change: () => void): void {
    if (faults.meets(words)) throw new KernelError(words, faults.refusal);
    change();
  }

  /** The place of the message that fails, if one does. Those behind it are counted as well: they were about to be made. */
  function failingAt(namespace: string, family: NetlinkFamily, messages: readonly NetlinkMessage[]): number {
    let failing = -1;
    let along = false;
    messages.forEach((message, at) => {
      if (faults.meets(`${family} message of type 0x${message.type.toString(16)} in ${namespace}`, along)) failing = at;
      along = true;
    });
    return failing;
  }

  return {
    createNamespace: (path) => call(`making of namespace ${path}`, () => kernel.createNamespace(path)),
    dropNamespace: (path) => call(`dropping of namespace ${path}`, () => kernel.dropNamespace(path)),
    namespaceExists: (path) => kernel.namespaceExists(path),
    namespaceDescriptor: (path) => kernel.namespaceDescriptor(path),
    forgetNamespaces: () => kernel.forgetNamespaces(),
    send(namespace, family, messages) {
      const failing = failingAt(namespace, family, messages);
      if (failing === -1) return kernel.send(namespace, family, messages);
      const refusal = faults.refusal;
      // Of a transaction nothing takes effect; other messages of one send are carried out each for itself.
      if (family === "netfilter") return messages.map((_, at) => (at === failing ? refusal : undefined));
      const answers: (KernelRefusal | undefined)[] = [];
      for (const part of [messages.slice(0, failing), messages.slice(failing + 1)]) {
        if (part.length > 0) answers.push(...kernel.send(namespace, family, part));
      }
      return answers.toSpliced(failing, 0, refusal);
    },
    sendAside: (namespace, family, message) => kernel.sendAside(namespace, family, message),
    get: (namespace, family, message) => kernel.get(namespace, family, message),
    dump: (namespace, family, message) => kernel.dump(namespace, family, message),
    watch: (family, group, signal) => kernel.watch(family, group, signal),
    legacyTables: (family) => kernel.legacyTables(family),
    hasLink: (namespace, name) => kernel.hasLink(namespace, name),
    linkIndex: (namespace, name) => kernel.linkIndex(namespace, name),
    openPackets: (namespace, link, mode) => kernel.openPackets(namespace, link, mode),
    readSysctl: (namespace, name) => kernel.readSysctl(namespace, name),
    writeSysctl: (namespace, name, value) =>
      call(`writing of sysctl ${name} in ${namespace}`, () => kernel.writeSysctl(namespace, name, value)),
    readFile: (path) => kernel.readFile(path),
    writeFile: (path, content, mode, how) =>
      call(`writing of file ${path}`, () => kernel.writeFile(path, content, mode, how)),
    removeFile: (path) => call(`removing of file ${path}`, () => kernel.removeFile(path)),
    holdPorts: (claim) => call(`holding of port ${claim.first}`, () => kernel.holdPorts(claim)),
    releasePorts: (claim) => kernel.releasePorts(claim),
    heldPorts: () => kernel.heldPorts(),
    portRefusal: (claim, namespace) => kernel.portRefusal(claim, namespace),
    close: () => kernel.close(),
  };
}
