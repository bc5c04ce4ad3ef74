/**
 * A program of its own: makes a network and a mount namespace, and becomes in them the Node.js program that its arguments name. The mounts
 * made there (namespace files) are seen by nobody outside, and both namespaces go with the last process inside.
 */
import { createKernel } from "../kernel/linux.ts";
import { setLink } from "../kernel/netlink/route/link.ts";
import { mount, mountFlag, namespaceFlag, unshare } from "../kernel/syscalls.ts";

/** Moves this thread into a network of its own with its loopback link up, whose mounts are its own too. */
function becomeHost(): void {
  unshare(namespaceFlag.network | namespaceFlag.mount);
  mount("none", "/", "none", mountFlag.recursive | mountFlag.private);
  const kernel = createKernel();
  const [refusal] = kernel.send("host", "route", [setLink({ name: "lo" }, { up: true })]);
  kernel.close();
  if (refusal) throw new Error(`the loopback link does not come up: ${refusal.message}`);
}

/** The environment as execve takes it. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

if (import.meta.main) {
  const [program = "", ...words] = process.argv.slice(2);
  becomeHost();
  // Other threads of this process stayed behind; execve ends them, and the new program is wholly where this thread is.
  if (!process.execve) throw new Error("this Node.js has no process.execve");
  process.execve(program, [program, ...words], environment());
}
