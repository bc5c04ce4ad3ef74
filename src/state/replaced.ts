/** What the making of an object replaces without having made it, so that it can be put back: settings and files. */
import type { Kernel } from "../kernel/kernel.ts";
import { readLinkSetting, writeLinkSetting } from "./kinds/link-setting.ts";
import type { KernelObject } from "./objects.ts";

/** Reads what is there in an object's place; what puts it back, undefined where nothing is, or where the object knows itself what it was. */
export function whatPutsBack(kernel: Kernel, object: KernelObject): (() => void) | undefined {
  switch (object.kind) {
    case "file": {
      const { content, mode } = kernel.readFile(object.path) ?? {};
      if (content === undefined || mode === undefined) return undefined;
      return () => kernel.writeFile(object.path, content, mode);
    }
    case "sysctl": {
      const { namespace, name, original } = object;
      const before = original === undefined ? kernel.readSysctl(namespace, name) : undefined;
      return before === undefined ? undefined : () => kernel.writeSysctl(namespace, name, before);
    }
    case "link-setting": {
      const before = object.original === undefined ? readLinkSetting(kernel, object) : undefined;
      return before === undefined ? undefined : () => writeLinkSetting(kernel, object, before);
    }
    default:
      return undefined;
  }
}
