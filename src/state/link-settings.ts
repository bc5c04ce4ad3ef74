/** Settings of links: they come and go with them. */
import { linkKey } from "./kind.ts";
import { kindOf } from "./kinds/registry.ts";
import type { KernelObject, LinkSetting, Sysctl } from "./objects.ts";

/** Returns whether a setting is that of a link among the objects. What it was before needs not be known: there was no link. */
export function settingsOf(objects: Iterable<KernelObject>): (setting: Sysctl | LinkSetting) => boolean {
  const links = new Set<string>();
  for (const object of objects) {
    if (object.kind !== "link") continue;
    const kind = kindOf(object);
    for (const key of [kind.key(object), ...(kind.provides?.(object) ?? [])]) links.add(key);
  }
  return (setting) => keysOf(setting).some((key) => links.has(key));
}

/** The keys of what it is a setting of; a master is another link. */
const keysOf = (setting: Sysctl | LinkSetting): readonly string[] =>
  setting.kind === "sysctl" ? kindOf(setting).references(setting) : [linkKey(setting.namespace, setting.link)];
