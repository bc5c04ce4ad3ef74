/** Properties of links that are there. One cannot be made or removed: it is set, and where its original value is known, set back. */
import { parseMac } from "../../address/mac.ts";
import { type Kernel, KernelError, type KernelRefusal } from "../../kernel/kernel.ts";
import { decodeLink, getLink, type LinkChange, type LinkInfo, setLink } from "../../kernel/netlink/route/link.ts";
import { inNamespace, inside, type Kind, linkKey, namespaceKey } from "../kind.ts";
import type { LinkSetting, LinkSettingName, NamespaceRef } from "../objects.ts";

type Target = Pick<LinkSetting, "namespace" | "link" | "setting">;

/** What says that there is no such link, or no such namespace. */
const absent = new Set(["ENODEV", "ENOENT"]);

const spoken = (value: boolean): string => (value ? "on" : "off");

/** The value of a setting; `nameOf` tells the name of a link by index. Undefined where this link has none. */
function settingOf(
  info: LinkInfo,
  setting: LinkSettingName,
  nameOf: (index: number) => string | undefined,
): string | undefined {
  switch (setting) {
    case "mtu":
      return info.mtu?.toString();
    case "mac":
      return info.mac;
    case "promiscuous":
      return spoken(info.promiscuous);
    case "all-multicast":
      return spoken(info.allMulticast);
    case "transmit-queue":
      return info.transmitQueue?.toString();
    case "master":
      return info.master === undefined ? "" : nameOf(info.master);
    case "up":
      return spoken(info.up);
    case "vlan-filtering":
      return info.data?.kind === "bridge" ? spoken(info.data.vlanFiltering ?? false) : undefined;
  }
}

function readLink(
  kernel: Kernel,
  namespace: NamespaceRef,
  target: Parameters<typeof getLink>[0],
): LinkInfo | undefined {
  try {
    const [answer] = kernel.get(namespace, "route", getLink(target));
    return answer && decodeLink(answer);
  } catch (error) {
    if (error instanceof KernelError && absent.has(error.refusal.code)) return undefined;
    throw error;
  }
}

/** The present value of a setting; undefined where the link or its namespace is not there, or has none. */
export function readLinkSetting(kernel: Kernel, { namespace, link, setting }: Target): string | undefined {
  const info = readLink(kernel, namespace, { name: link });
  return info && settingOf(info, setting, (index) => readLink(kernel, namespace, { index })?.name);
}

/** Sets a value; throws KernelError. */
export function writeLinkSetting(kernel: Kernel, { namespace, link, setting }: Target, value: string): void {
  const change = (...changes: readonly LinkChange[]): KernelRefusal | undefined =>
    kernel
      .send(
        namespace,
        "route",
        changes.map((one) => setLink({ name: link }, one)),
      )
      .find((refusal) => refusal !== undefined);
  const wanted = changeFor(kernel, namespace, setting, value);
  let refusal = change(wanted);
  if (setting === "mac" && refusal?.code === "EBUSY") {
    // Some kinds of links take another address only while they are down.
    const mac = readLink(kernel, namespace, { name: link })?.mac;
    refusal = change({ up: false }, wanted, { up: true });
    if (refusal !== undefined) change({ up: false }, { mac }, { up: true });
  }
  if (refusal !== undefined) throw new KernelError(`set ${setting} of link ${link}`, refusal);
}

function changeFor(kernel: Kernel, namespace: NamespaceRef, setting: LinkSettingName, value: string): LinkChange {
  switch (setting) {
    case "mtu":
      return { mtu: Number(value) };
    case "mac":
      return { mac: parseMac(value) };
    case "promiscuous":
      return { promiscuous: value === "on" };
    case "all-multicast":
      return { allMulticast: value === "on" };
    case "transmit-queue":
      return { transmitQueue: Number(value) };
    case "master":
      return { master: value === "" ? 0 : kernel.linkIndex(namespace, value) };
    case "up":
      return { up: value === "on" };
    case "vlan-filtering":
      return { data: { kind: "bridge", vlanFiltering: value === "on" } };
  }
}

/** Sets the original value; a master that is gone lets its port go. */
function putBack(kernel: Kernel, object: LinkSetting, original: string): void {
  const { namespace, setting } = object;
  const isGone =
    setting === "master" && original !== "" && readLink(kernel, namespace, { name: original }) === undefined;
  writeLinkSetting(kernel, object, isGone ? "" : original);
}

/** The setting as `ip link set` says it. */
function words(setting: LinkSettingName, value: string): string {
  switch (setting) {
    case "mtu":
      return `mtu ${value}`;
    case "mac":
      return `address ${value}`;
    case "promiscuous":
      return `promisc ${value}`;
    case "all-multicast":
      return `allmulticast ${value}`;
    case "transmit-queue":
      return `txqueuelen ${value}`;
    case "master":
      return value === "" ? "nomaster" : `master ${value}`;
    case "up":
      return value === "on" ? "up" : "down";
    case "vlan-filtering":
      return `type bridge vlan_filtering ${value === "on" ? 1 : 0}`;
  }
}

function command({ namespace, link, setting }: LinkSetting, value: string): string {
  const set = (what: string): string => `${inside(namespace)}ip link set ${link} ${what}`;
  const once = set(words(setting, value));
  return setting === "mac" ? `${once} || { ${set("down")}; ${once}; ${set("up")}; }` : once;
}

export const linkSetting: Kind<LinkSetting> = {
  key: ({ namespace, link, setting }) => `link-setting ${namespace} ${link} ${setting}`,
  references: ({ namespace, link, setting, value }) => [
    namespaceKey(namespace),
    linkKey(namespace, link),
    ...(setting === "master" && value !== "" ? [linkKey(namespace, value)] : []),
  ],
  words: ({ namespace, link, setting }) => `setting ${setting} of link ${link} ${inNamespace(namespace)}`,
  create: (object) => [{ type: "call", run: ({ kernel }) => writeLinkSetting(kernel, object, object.value) }],
  update: (_before, object) => [{ type: "call", run: ({ kernel }) => writeLinkSetting(kernel, object, object.value) }],
  delete: (object) => {
    const { original } = object;
    return original === undefined ? [] : [{ type: "call", run: ({ kernel }) => putBack(kernel, object, original) }];
  },
  observe: ({ namespaces, desired }) =>
    namespaces.flatMap(({ namespace, links, linkName }) => {
      const settings = desired
        .filter((object) => object.kind === "link-setting")
        .filter((object) => object.namespace === namespace);
      if (settings.length === 0) return [];
      const infos = new Map(links.map((info) => [info.name, info]));
      return settings.flatMap((object): LinkSetting[] => {
        const info = infos.get(object.link);
        const value = info && settingOf(info, object.setting, linkName);
        return value === undefined ? [] : [{ ...object, value }];
      });
    }),
  equal: (desired, observed) => desired.value === observed.value,
  commands: {
    create: (object) => [command(object, object.value)],
    update: (_before, object) => [command(object, object.value)],
    delete: (object) => (object.original === undefined ? [] : [command(object, object.original)]),
  },
};
