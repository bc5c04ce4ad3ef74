import { join } from "node:path";

/** Where test processes keep their modules compiled (NODE_COMPILE_CACHE): more than half of a process's start is taking their types out. */
export const compiledModules: string = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "modules");
