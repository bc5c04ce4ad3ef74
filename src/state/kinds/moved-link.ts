/**
 * Links of the host that live in a namespace. What one was at home stands in its alias while it is away, so that whoever brings it back needs no other memory; the
 * kernel itself brings it back when its namespace goes, under any name.
 */
import { type Kernel, KernelError, type NamespaceRef } from "../../kernel/kernel.ts";
import { decodeLink, dumpLinks, getLink, type LinkInfo, setLink } from "../../kernel/netlink/route/link.ts";
import { ownAliasPrefix } from "../../kernel/netlink/route/ownership.ts";
import { refusalOf } from "../../kernel/syscalls.ts";
import { type ApplyContext, inNamespace, inside, type Kind, linkKey, namespaceKey, type Step } from "../kind.ts";
import type { MovedLink } from "../objects.ts";

/** What a link was at home. */
interface Home {
  readonly name: string;
  readonly mtu: number | undefined;
  readonly up: boolean;
  readonly alias: string;
}

/** Start of the alias of a link that is away; what it was follows in the words of `ip link set`, and then its own alias. */
const mark = `${ownAliasPrefix}moved`;
/** IFALIASZ without the closing zero byte. */
const longestAlias = 255;
/** What the kernel names a link that it brings back where its name is taken: the next number. */
const anyName = "dev%d";
/** EEXIST */
const taken = 17;

/** The alias of a link while it is away. A very long one of its own is cut. */
function aliasOf({ name, mtu = 0, up, alias }: Home): string {
  const start = `${mark} ${name} mtu ${mtu} ${up ? "up" : "down"}`;
  if (alias === "") return start;
  return Buffer.from(`${start} ${alias}`)
    .subarray(0, longestAlias)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
}

/** What a link was at home; undefined for one that is not away. */
function homeOf({ alias }: LinkInfo): Home | undefined {
  const words = /^portolan:moved (\S+) mtu (\d+) (up|down)(?: (.*))?$/s.exec(alias ?? "");
  const [, name, mtu, state, own = ""] = words ?? [];
  return name === undefined ? undefined : { name, mtu: Number(mtu), up: state === "up", alias: own };
}

function readLink(kernel: Kernel, namespace: NamespaceRef, name: string): LinkInfo | undefined {
  try {
    const [answer] = kernel.get(namespace, "route", getLink({ name }));
    return answer && decodeLink(answer);
  } catch (error) {
    if (error instanceof KernelError && ["ENODEV", "ENOENT"].includes(error.refusal.code)) return undefined;
    throw error;
  }
}

function allLinks(kernel: Kernel, namespace: NamespaceRef): readonly LinkInfo[] {
  try {
    return kernel.dump(namespace, "route", dumpLinks()).flatMap((message) => decodeLink(message) ?? []);
  } catch (error) {
    if (error instanceof KernelError && error.refusal.code === "ENOENT") return [];
    throw error;
  }
}

interface Found {
  readonly namespace: NamespaceRef;
  readonly info: LinkInfo;
  readonly home: Home;
}

/** The link wherever it is: where it belongs, or somewhere in its namespace or the host, which takes a look at all links there. */
function find(kernel: Kernel, { name, namespace, newName }: MovedLink): Found | undefined {
  const places: readonly (readonly [NamespaceRef, () => readonly (LinkInfo | undefined)[]])[] = [
    [namespace, () => [readLink(kernel, namespace, newName)]],
    ["host", () => [readLink(kernel, "host", name)]],
    [namespace, () => allLinks(kernel, namespace)],
    ["host", () => allLinks(kernel, "host")],
  ];
  for (const [place, look] of places) {
    for (const info of look()) {
      const home = info && homeOf(info);
      if (info !== undefined && home?.name === name) return { namespace: place, info, home };
    }
  }
  return undefined;
}

/** The kernel would move the link and then refuse the name. */
function requireFree(kernel: Kernel, { namespace, newName }: MovedLink): void {
  if (readLink(kernel, namespace, newName) === undefined) return;
  throw new KernelError("move a link", refusalOf(taken, `link ${newName} is there already`));
}

/** Notes in the alias what the link is, and sets it down, in one message: what is not noted does not leave. */
function depart({ name }: MovedLink, { kernel }: ApplyContext) {
  const info = readLink(kernel, "host", name);
  if (info === undefined) throw new KernelError(`move link ${name}`, refusalOf(noDevice));
  const { mtu, up, alias = "" } = info;
  return [setLink({ name }, { alias: aliasOf(homeOf(info) ?? { name, mtu, up, alias }), up: false })];
}

/** ENODEV */
const noDevice = 19;

function leave({ name, namespace, newName }: MovedLink, context: ApplyContext) {
  const index = context.linkIndex("host", name);
  context.forgetLink("host", name);
  const namespaceDescriptor = context.kernel.namespaceDescriptor(namespace);
  return [setLink({ index }, { namespaceDescriptor, rename: newName })];
}

const arrive = ({ namespace, newName, mtu, up }: MovedLink): Step => ({
  type: "route",
  namespace,
  messages: () => [setLink({ name: newName }, { mtu, up })],
});

function send(kernel: Kernel, namespace: NamespaceRef, message: ReturnType<typeof setLink>): void {
  const [refusal] = kernel.send(namespace, "route", [message]);
  if (refusal !== undefined) throw new KernelError("bring a link back", refusal);
}

/** Brings it back under its name, or under any where somebody has taken that. */
function comeHome(kernel: Kernel, object: MovedLink): void {
  const found = find(kernel, object);
  if (found === undefined) return;
  const { namespace, info } = found;
  if (namespace === "host" && info.name === object.name) return;
  const rename = readLink(kernel, "host", object.name) === undefined ? object.name : anyName;
  if (namespace !== "host") {
    const namespaceDescriptor = kernel.namespaceDescriptor("host");
    send(kernel, namespace, setLink({ index: info.index }, { namespaceDescriptor, rename }));
  } else if (rename !== anyName) send(kernel, "host", setLink({ index: info.index }, { rename }));
}

/** Makes it again what it was. */
function settle(kernel: Kernel, object: MovedLink): void {
  const found = find(kernel, { ...object, namespace: "host", newName: object.name });
  if (found === undefined) return;
  const { info, home } = found;
  send(kernel, "host", setLink({ index: info.index }, { mtu: home.mtu, up: home.up, alias: home.alias }));
}

/** The words that the alias holds of what a link was: `mtu 1500 up`; then its own alias. */
const past = (name: string, what: "words" | "alias"): string =>
  `$(ip link show ${name} | sed -n 's/^ *alias ${mark} ${name} \\(mtu [0-9]* [a-z]*\\) *\\(.*\\)/\\${what === "words" ? 1 : 2}/p')`;

export const movedLink: Kind<MovedLink> = {
  key: ({ name }) => `moved-link ${name}`,
  provides: ({ namespace, newName }) => [linkKey(namespace, newName)],
  references: ({ namespace, name }) => [namespaceKey(namespace), linkKey("host", name)],
  words: ({ name, namespace, newName }) => `link ${name} of the host as ${newName} ${inNamespace(namespace)}`,
  create: (object) => [
    { type: "call", run: ({ kernel }) => requireFree(kernel, object) },
    { type: "route", namespace: "host", birth: true, messages: (context) => depart(object, context) },
    { type: "route", namespace: "host", birth: true, messages: (context) => leave(object, context) },
    arrive(object),
  ],
  update: (before, object) =>
    before.namespace === object.namespace && before.newName === object.newName ? [arrive(object)] : undefined,
  delete: (object) => [
    { type: "call", run: ({ kernel }) => comeHome(kernel, object) },
    { type: "call", run: ({ kernel }) => settle(kernel, object) },
  ],
  observe: ({ namespaces }) =>
    namespaces.flatMap(({ namespace, links }) =>
      links.flatMap((info): MovedLink[] => {
        const home = homeOf(info);
        if (home === undefined) return [];
        const { name: newName, mtu, up } = info;
        return [{ kind: "moved-link", name: home.name, namespace, newName, up, ...(mtu !== undefined && { mtu }) }];
      }),
    ),
  commands: {
    create: ({ name, namespace, newName, mtu, up }) => [
      `ip link set ${name} down alias "${mark} ${name} mtu $(cat /sys/class/net/${name}/mtu) $([ -n "$(ip link show ${name} up)" ] && echo up || echo down)$(sed 's/^/ /' /sys/class/net/${name}/ifalias)"`,
      `ip link set ${name} netns ${namespace} name ${newName}`,
      `${inside(namespace)}ip link set ${newName}${mtu === undefined ? "" : ` mtu ${mtu}`} ${up ? "up" : "down"}`,
    ],
    update: (_before, { namespace, newName, mtu, up }) => [
      `${inside(namespace)}ip link set ${newName}${mtu === undefined ? "" : ` mtu ${mtu}`} ${up ? "up" : "down"}`,
    ],
    delete: ({ name, namespace, newName }) => [
      `${inside(namespace)}ip link set ${newName} netns $$ name ${name}`,
      `ip link set ${name} ${past(name, "words")} alias "${past(name, "alias")}"`,
    ],
  },
};
