/** Settings of the kernel's model: sysctls and properties of links, by what they are a setting of. Only what is not as at the beginning is kept. */
import { linkKey, namespaceKey } from "../../src/state/kind.ts";
import type { LinkSetting, NamespaceRef, Sysctl } from "../../src/state/objects.ts";
import { type ForeignState, type LinkView, Refusal } from "./memory-rules.ts";

/** One setting by its identity. */
export type Setting =
  | Pick<Sysctl, "kind" | "namespace" | "name">
  | Pick<LinkSetting, "kind" | "namespace" | "link" | "setting">;

/** What settings ask of the model, and tell it. */
interface SettingsView {
  readonly foreign: ForeignState;
  hasNamespace(namespace: string): boolean;
  link(namespace: NamespaceRef, name: string): LinkView | undefined;
  /** Notes what takes a change back. */
  took(back: () => void): void;
}

/** The link whose setting a sysctl is. */
export const linkOfSysctl = (name: string): string | undefined =>
  /^net\/(?:ipv[46]|mpls)\/(?:conf|neigh)\/([^/]+)\//.exec(name)?.[1];

export class MemorySettings {
  readonly #view: SettingsView;
  readonly #values = new Map<string, Map<string, string>>();

  constructor(view: SettingsView) {
    this.#view = view;
  }

  /** Value of a setting; undefined where the namespace or the link is not there. */
  read(setting: Setting): string | undefined {
    const anchor = this.#anchor(setting);
    if (anchor === undefined) return undefined;
    return this.#values.get(anchor)?.get(nameOf(setting)) ?? this.#initial(setting);
  }

  write(setting: Setting, value: string): void {
    const anchor = this.#anchor(setting);
    if (anchor === undefined)
      throw new Refusal(setting.kind === "sysctl" ? "ENOENT" : "ENODEV", `${nameOf(setting)} is not there`);
    this.#set(anchor, nameOf(setting), value === this.#initial(setting) ? undefined : value);
  }

  /** The settings of what goes are gone. */
  forget(anchor: string): void {
    const values = this.#values.get(anchor);
    if (values === undefined) return;
    this.#values.delete(anchor);
    this.#view.took(() => this.#values.set(anchor, values));
  }

  /** A link goes: those that had it as master have none. */
  release(namespace: NamespaceRef, master: string): void {
    for (const [anchor, values] of this.#values)
      if (anchor.startsWith(`link ${namespace} `) && values.get("property master") === master)
        this.#set(anchor, "property master", undefined);
  }

  /** Everything that is not as at the beginning. */
  *entries(): IterableIterator<readonly [string, string]> {
    for (const [anchor, values] of this.#values)
      for (const [name, value] of values) yield [`${name} of ${anchor}`, value];
  }

  #set(anchor: string, name: string, value: string | undefined): void {
    const values = this.#values.getOrInsertComputed(anchor, () => new Map<string, string>());
    const before = values.get(name);
    const set = (to: string | undefined): void => {
      if (to === undefined) values.delete(name);
      else values.set(name, to);
    };
    set(value);
    this.#view.took(() => set(before));
  }

  /** Key of the namespace or the link that it is a setting of; undefined where that is not there. */
  #anchor(setting: Setting): string | undefined {
    const { namespace } = setting;
    const link = setting.kind === "sysctl" ? linkOfSysctl(setting.name) : setting.link;
    if (link === undefined || (setting.kind === "sysctl" && (link === "all" || link === "default")))
      return this.#view.hasNamespace(namespace) ? namespaceKey(namespace) : undefined;
    return this.#view.link(namespace, link) === undefined ? undefined : linkKey(namespace, link);
  }

  #initial(setting: Setting): string {
    const { namespace } = setting;
    if (setting.kind === "sysctl")
      return (namespace === "host" ? this.#view.foreign.sysctls?.[setting.name] : undefined) ?? "0";
    const link = this.#view.link(namespace, setting.link);
    switch (setting.setting) {
      case "mtu":
        return String(link?.mtu ?? 1500);
      case "mac":
        return link?.mac ?? "02:00:00:00:00:ff";
      case "transmit-queue":
        return "1000";
      case "master":
        return link?.master ?? "";
      case "up":
        return link?.up ? "on" : "off";
      default:
        return "off";
    }
  }
}

const nameOf = (setting: Setting): string =>
  setting.kind === "sysctl" ? `sysctl ${setting.name}` : `property ${setting.setting}`;
