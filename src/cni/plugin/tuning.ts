/** The types `tuning` and `loopback`: sysctls and properties of links in the container, put back at DEL. */
import { existsSync, readFileSync } from "node:fs";
import type { AttachmentScene } from "../../model/attachment-types.ts";
import type { LinkSetting } from "../../state/objects.ts";
import type { Settings } from "../../store/attachment.ts";
import { CniError, cniCode } from "../protocol/cni-error.ts";
import { type CniResult, emptyResult } from "../protocol/result.ts";
import type { PlacedCall } from "./call.ts";
import { askedMac, cniArgs } from "./capabilities.ts";
import { checkAttachment, requirePrevious } from "./checking.ts";
import type { Fields } from "./fields.ts";
import { collect, leave } from "./interface-plugin.ts";
import type { Plugin } from "./plugin.ts";

type WantedSetting = Pick<LinkSetting, "link" | "setting" | "value">;
interface Wanted {
  readonly sysctls: readonly { readonly name: string; readonly value: string }[];
  readonly links: readonly WantedSetting[];
}

/** Patterns of which a sysctl's name has to match one, where an administrator keeps such a file. */
const allowlist = "/etc/cni/tuning/allowlist.conf";

/** A sysctl's name by slashes, as a file below /proc/sys. Throws CniError where it is none of net's, or not allowed. */
function sysctlName(key: string, interfaceName: string): string {
  const slashed = key.includes("/")
    ? key.replaceAll(/[./]/g, (char) => (char === "." ? "/" : "."))
    : key.replaceAll(".", "/");
  const parts = (key.includes("/") && key.startsWith("net/") ? key : slashed).split("/");
  const name = parts.map((part) => part.replaceAll("IFNAME", interfaceName)).join("/");
  if (parts[0] !== "net" || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new CniError(cniCode.badConfiguration, `sysctl ${key} is not allowed: it is not one of net.*`);
  }
  if (existsSync(allowlist)) {
    const patterns = readFileSync(allowlist, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    if (!patterns.some((pattern) => new RegExp(pattern).test(key))) {
      throw new CniError(
        cniCode.badConfiguration,
        `Sysctl ${key} is not allowed. Only the following sysctls are allowed: ${patterns.join(", ")}`,
      );
    }
  }
  return name;
}

function sysctlsOf(fields: Fields | undefined, interfaceName: string): Wanted["sysctls"] {
  return (fields?.raw ?? []).map(({ key }) => ({
    name: sysctlName(key, interfaceName),
    value: fields?.text(key) ?? "",
  }));
}

/** What is asked for; metadata under `args.cni` goes before the configuration. */
function wantedOf(call: PlacedCall): Wanted {
  const { config, key: attachment } = call;
  const args = cniArgs(call);
  const link = attachment.interfaceName;
  const sysctls = new Map(
    [...sysctlsOf(config.object("sysctl"), link), ...sysctlsOf(args?.object("sysctl"), link)].map((one) => [
      one.name,
      one,
    ]),
  );
  const number = (key: string): number => args?.whole(key) ?? config.whole(key) ?? 0;
  const flag = (key: string): boolean | undefined =>
    args?.has(key) ? args.flag(key) : config.has(key) ? config.flag(key) : undefined;
  const [mac, promiscuous, allMulticast] = [askedMac(call, config.text("mac")), flag("promisc"), flag("allmulti")];
  const set = (setting: LinkSetting["setting"], value: string): WantedSetting => ({ link, setting, value });
  return {
    sysctls: [...sysctls.values()],
    links: [
      ...(mac === undefined ? [] : [set("mac", mac)]),
      ...(number("mtu") > 0 ? [set("mtu", String(number("mtu")))] : []),
      ...(promiscuous ? [set("promiscuous", "on")] : []),
      ...(allMulticast === undefined ? [] : [set("all-multicast", allMulticast ? "on" : "off")]),
      ...(number("txQLen") > 0 ? [set("transmit-queue", String(number("txQLen")))] : []),
    ],
  };
}

/** The settings with what they are now. Throws CniError for a sysctl or link that is not there. */
async function settingsOf(call: PlacedCall, { sysctls, links }: Wanted): Promise<Settings> {
  const { attachments, namespace } = call;
  const names = sysctls.map(({ name }) => name);
  const values = names.length === 0 ? [] : await attachments.readSysctls(namespace, names);
  const properties = links.length === 0 ? [] : await attachments.readLinkSettings(namespace, links);
  return {
    kind: "set",
    sysctls: sysctls.map((one, at) => {
      const original = values[at];
      if (original === undefined)
        throw new CniError(cniCode.other, `failed to open /proc/sys/${one.name}: there is no such sysctl`);
      return { ...one, original };
    }),
    links: links.map((one, at) => {
      const original = properties[at];
      if (original === undefined) throw new CniError(cniCode.other, `could not get ${one.link}: Link not found`);
      return { ...one, original };
    }),
  };
}

const decide = (call: PlacedCall, wanted: Wanted) => async (_scene: AttachmentScene) => ({
  part: { plugin: call.type, made: await settingsOf(call, wanted) },
});

/** The previous result with the interface as it is now. */
function changed(call: PlacedCall, previous: CniResult, { links }: Wanted): CniResult {
  const of = (setting: LinkSetting["setting"]): string | undefined =>
    links.find((one) => one.setting === setting)?.value;
  const [mac, mtu] = [of("mac"), of("mtu")];
  return {
    ...previous,
    interfaces: previous.interfaces.map((one) =>
      one.name === call.key.interfaceName && (one.sandbox ?? "") !== ""
        ? { ...one, ...(mac !== undefined && { mac }), ...(mtu !== undefined && { mtu: Number(mtu) }) }
        : one,
    ),
  };
}

export const tuning: Plugin = {
  async add(call) {
    const wanted = wantedOf(call);
    await call.attachments.attach(call.key, call.namespace, decide(call, wanted));
    return changed(call, call.previous ?? emptyResult, wanted);
  },
  async check(call) {
    requirePrevious(call);
    await checkAttachment(call, new Set(["sysctl", "link-setting"]));
  },
  del: leave,
  gc: collect,
};

const up = { sysctls: [], links: [{ link: "lo", setting: "up", value: "on" }] } as const satisfies Wanted;

export const loopback: Plugin = {
  async add(call) {
    if (call.attachments.find(call.key)?.attachment?.parts.some(({ plugin }) => plugin === call.type)) {
      await leave(call);
    }
    await call.attachments.attach(call.key, call.namespace, decide(call, up));
    if (call.previous !== undefined) return call.previous;
    const { addresses } = await call.attachments.facts(call.namespace);
    return {
      ...emptyResult,
      interfaces: [{ name: "lo", mac: "00:00:00:00:00:00", mtu: 65_536, sandbox: call.namespace }],
      ips: addresses
        .filter(({ link }) => link === "lo")
        .map(({ address, subnet }) => ({ address: `${address}/${subnet.split("/")[1]}`, interface: 0 })),
    };
  },
  async check(call) {
    await checkAttachment({ ...call, previous: call.previous ?? emptyResult }, new Set(["link-setting"]));
  },
  del: leave,
  gc: collect,
};
