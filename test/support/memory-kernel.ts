/**
 * A model of the kernel for property tests: a map of objects, changed as Linux would change it. It refuses what Linux refuses (a second object of one
 * identity, one without what it stands on, a gateway out of reach) and takes along what goes with a removed object (a veth's other end, a link's
 * addresses, a namespace's content). It is no stand-in for the kernel in tests of the engine: those have the real one.
 */
import { addressOf, cidrFamily } from "../../src/address/cidr.ts";
import { linkKey, namespaceKey } from "../../src/state/kind.ts";
import { keyOf, kindOf } from "../../src/state/kinds/registry.ts";
import type { Address, KernelObject, Link, LinkSetting, NamespaceRef, Sysctl } from "../../src/state/objects.ts";
import type { Change, Plan } from "../../src/state/plan-types.ts";
import type { Errno, Faults } from "./faults.ts";
import {
  addressesOf,
  checkMaster,
  checkNew,
  checkRoute,
  endsOf,
  type ForeignState,
  type KernelView,
  type LinkView,
  Refusal,
  requireKey,
} from "./memory-rules.ts";
import { linkOfSysctl, MemorySettings, type Setting } from "./memory-settings.ts";

/** What is said of an object that is not there. */
const missingCode = (object: KernelObject): Errno => {
  if (object.kind === "link" || object.kind === "moved-link") return "ENODEV";
  if (object.kind === "address") return "EADDRNOTAVAIL";
  return object.kind === "route" ? "ESRCH" : "ENOENT";
};

export class MemoryKernel implements KernelView {
  readonly foreign: ForeignState;
  /** Objects by their identity. */
  readonly #objects = new Map<string, KernelObject>();
  /** Objects by every key that they answer to: a veth by both its ends. */
  readonly #holders = new Map<string, KernelObject>();
  /** Identities of the objects that refer to a key. */
  readonly #dependents = new Map<string, Set<string>>();
  readonly #settings: MemorySettings;
  /** Identities of what went behind the engine's back. */
  readonly #vanished = new Set<string>();
  /** What takes the last changes back, oldest first. */
  #journal: (() => void)[] = [];

  constructor(foreign: ForeignState = {}) {
    this.foreign = foreign;
    this.#settings = new MemorySettings({
      foreign,
      hasNamespace: (namespace) => this.hasNamespace(namespace),
      link: (namespace, name) => this.link(namespace, name),
      took: (back) => this.#journal.push(back),
    });
  }

  /** Makes all changes in their order, or none: then it throws what `refused` makes of the change and its refusal. */
  transact(changes: Plan, refused: (change: Change, refusal: Refusal) => unknown, faults?: Faults): void {
    this.#journal = [];
    for (const change of changes) {
      try {
        if (faults?.meets(`${change.action} ${keyOf(change.object)}`)) throw new Refusal(faults.code, "a fault");
        this.#make(change);
      } catch (error) {
        for (const back of this.#journal.toReversed()) back();
        throw error instanceof Refusal ? refused(change, error) : error;
      }
    }
  }

  /** Removes an object behind the engine's back, with what goes with it. Deleting one of them is no error after that, as with Linux. */
  vanish(object: KernelObject): void {
    const before = [...this.#objects.keys()];
    const current = this.#objects.get(keyOf(object));
    if (current !== undefined) this.#remove(current);
    for (const key of before) if (!this.#objects.has(key)) this.#vanished.add(key);
  }

  /** Every object there is; sysctls are not among them. */
  objects(): IterableIterator<KernelObject> {
    return this.#objects.values();
  }

  /** Everything that is not as at the beginning, by identity: comparable. */
  state(): Readonly<Record<string, KernelObject | string>> {
    return Object.fromEntries([...this.#objects, ...this.#settings.entries()]);
  }

  /** Whether an object of ours answers to a key. */
  has(key: string): boolean {
    return this.#holders.has(key);
  }

  /** Whether there is a namespace. */
  hasNamespace(namespace: NamespaceRef | string): boolean {
    const { namespaces = [] } = this.foreign;
    return namespace === "host" || namespaces.includes(namespace) || this.#objects.has(`namespace ${namespace}`);
  }

  /** A link by name: the type is `loopback` for the one that every namespace has. */
  link(namespace: NamespaceRef, name: string): LinkView | undefined {
    if (name === "lo") return this.hasNamespace(namespace) ? { type: "loopback", up: true } : undefined;
    if (namespace === "host" && this.#objects.has(`moved-link ${name}`)) return undefined;
    const foreign = namespace === "host" ? this.#foreignLink(name) : undefined;
    if (foreign !== undefined) return { type: foreign.type, up: true };
    const link = this.#holders.get(linkKey(namespace, name));
    if (link?.kind === "moved-link") return { type: this.#foreignLink(link.name)?.type ?? "", up: link.up };
    if (link?.kind !== "link") return undefined;
    const isPeer = link.type === "veth" && link.peer.name === name && link.peer.namespace === namespace;
    return isPeer ? { up: false, ...link.peer, type: link.type } : link;
  }

  #foreignLink(name: string): { readonly type: string } | undefined {
    return this.foreign.links?.find((one) => one.name === name);
  }

  /** Value of a sysctl; undefined where the namespace or the link is not there. */
  readSysctl(namespace: NamespaceRef, name: string): string | undefined {
    return this.#settings.read({ kind: "sysctl", namespace, name });
  }

  /** Value of any setting; undefined where what it is a setting of is not there. */
  readSetting(setting: Setting): string | undefined {
    return this.#settings.read(setting);
  }

  #write(object: Sysctl | LinkSetting, value: string): void {
    if (object.kind === "link-setting" && object.setting === "master" && value !== "")
      checkMaster(this, object.namespace, value);
    this.#settings.write(object, value);
    if (object.kind !== "sysctl") return;
    const link = linkOfSysctl(object.name);
    if (object.name.endsWith("/disable_ipv6") && value === "1" && link !== undefined)
      this.#flush(object.namespace, link, [6]);
  }

  #make(change: Change): void {
    if (change.action === "create") this.#create(change.object);
    else if (change.action === "update") this.#update(change.before, change.object);
    else this.#delete(change.object);
  }

  #create(object: KernelObject): void {
    for (const key of kindOf(object).references(object)) requireKey(this, key);
    if (isSetting(object)) {
      this.#write(object, object.value);
      return;
    }
    // A file is replaced as a whole, whoever wrote it.
    const replaced = object.kind === "file" ? this.#objects.get(keyOf(object)) : undefined;
    if (replaced !== undefined) this.#drop(replaced);
    for (const key of keysOf(object))
      if (this.#holders.has(key)) throw new Refusal("EEXIST", `${key} is there already`);
    checkNew(this, object);
    this.#put(object);
  }

  #update(before: KernelObject, object: KernelObject): void {
    if (isSetting(object)) {
      this.#write(object, object.value);
      return;
    }
    const key = keyOf(object);
    const current = this.#objects.get(key);
    // Replacing makes what is not there (NLM_F_CREATE): a route that its link took along, a file.
    const replaces = object.kind === "route" || object.kind === "neighbour" || object.kind === "file";
    if (current === undefined && !replaces) throw new Refusal(missingCode(object), `${key} is not there`);
    if (kindOf<KernelObject>(object).update(before, object) === undefined)
      throw new Refusal("EOPNOTSUPP", `${key} cannot be changed in place`);
    // A link that has been moved is where it is to be, and no more where it was.
    if (object.kind !== "moved-link") for (const needed of kindOf(object).references(object)) requireKey(this, needed);
    if (current !== undefined) this.#drop(current);
    if (object.kind !== "link" || current?.kind !== "link") {
      if (object.kind === "route") checkRoute(this, object);
      this.#put(object);
      if (object.kind === "moved-link" && current?.kind === "moved-link" && current.up && !object.up)
        this.#flush(object.namespace, object.newName, [4, 6], "down");
      return;
    }
    checkMaster(this, object.namespace, object.master);
    const merged = mergedLink(current, object);
    this.#put(merged);
    // A link that goes down loses what needs it up.
    if (current.up && !merged.up) this.#flush(merged.namespace, merged.name, [4, 6], "down");
    if (current.type === "veth" && merged.type === "veth" && current.peer.up && !merged.peer.up)
      this.#flush(merged.peer.namespace, merged.peer.name, [4, 6], "down");
  }

  #delete(object: KernelObject): void {
    if (isSetting(object)) {
      const isThere = object.kind === "sysctl" || this.#settings.read(object) !== undefined;
      if (object.original !== undefined && isThere) this.#write(object, object.original);
      return;
    }
    const key = keyOf(object);
    const current = this.#objects.get(key);
    if (current === undefined) {
      // Linux answers that there is nothing, and the engine is content with that: here it is so only after an interference.
      if (object.kind === "file" || this.#vanished.has(key)) return;
      throw new Refusal(missingCode(object), `${key} is not there`);
    }
    if (current.kind === "nft-chain" || current.kind === "nft-set") {
      const own = (one: KernelObject): boolean =>
        current.kind === "nft-chain"
          ? one.kind === "nft-rule" && one.chain === current.name
          : one.kind === "nft-element" && one.set === current.name;
      if (this.referring(key).some((one) => !own(one))) throw new Refusal("EBUSY", `${key} is in use`);
    }
    this.#remove(current);
  }

  /** Removes an object and what Linux removes with it. */
  #remove(object: KernelObject): void {
    if (this.#objects.get(keyOf(object)) !== object) return;
    for (const key of keysOf(object)) {
      for (const dependent of this.referring(key)) {
        if (dependent.kind === "link" && object.kind === "link") this.#release(dependent);
        else this.#remove(dependent);
      }
      if (object.kind === "link" || object.kind === "moved-link") this.#settings.forget(key);
    }
    if (object.kind === "namespace") {
      this.#settings.forget(namespaceKey(object.path));
      this.#settings.forget(linkKey(object.path, "lo"));
    }
    this.#drop(object);
    if (object.kind === "link")
      for (const { namespace, name } of endsOf(object)) this.#settings.release(namespace, name);
    if (object.kind === "address") this.#removeRoutesOf(object);
  }

  /** Takes a port out of a bridge that goes. */
  #release(port: Link): void {
    this.#drop(port);
    const { master: _master, ...alone } = port;
    this.#put(alone);
  }

  /** Routes that end with an address: those with it as source, and with a link's last IPv4 address all IPv4 routes of the link. */
  #removeRoutesOf({ namespace, link, address }: Address): void {
    const family = cidrFamily(address);
    const rest = this.referring(linkKey(namespace, link));
    const isLast = family === 4 && !rest.some((one) => one.kind === "address" && cidrFamily(one.address) === 4);
    const elsewhere = addressesOf(this, namespace).some((one) => addressOf(one.address) === addressOf(address));
    for (const one of this.referring(namespaceKey(namespace))) {
      if (one.kind !== "route" || one.family !== family) continue;
      if ((isLast && one.link === link) || (one.source === addressOf(address) && !elsewhere)) this.#remove(one);
    }
  }

  /** Removes what a link loses when it goes down (its routes, IPv6 addresses) or a family is switched off. */
  #flush(
    namespace: NamespaceRef,
    link: string,
    families: readonly (4 | 6)[],
    cause: "down" | "disabled" = "disabled",
  ): void {
    for (const one of this.referring(linkKey(namespace, link))) {
      if (one.kind === "route" && families.includes(one.family)) this.#remove(one);
      if (one.kind !== "address" || !families.includes(cidrFamily(one.address))) continue;
      if (cause === "disabled" || cidrFamily(one.address) === 6) this.#remove(one);
    }
  }

  /** The objects that refer to a key. */
  referring(key: string): readonly KernelObject[] {
    return [...(this.#dependents.get(key) ?? [])].flatMap((one) => this.#objects.get(one) ?? []);
  }

  #put(object: KernelObject): void {
    this.#insert(object);
    this.#journal.push(() => this.#erase(object));
  }

  #drop(object: KernelObject): void {
    this.#erase(object);
    this.#journal.push(() => this.#insert(object));
  }

  #insert(object: KernelObject): void {
    const own = keyOf(object);
    this.#vanished.delete(own);
    this.#objects.set(own, object);
    for (const key of keysOf(object)) this.#holders.set(key, object);
    for (const key of kindOf(object).references(object))
      this.#dependents.getOrInsertComputed(key, () => new Set()).add(own);
  }

  #erase(object: KernelObject): void {
    const own = keyOf(object);
    this.#objects.delete(own);
    for (const key of keysOf(object)) this.#holders.delete(key);
    for (const key of kindOf(object).references(object)) {
      const dependents = this.#dependents.get(key);
      dependents?.delete(own);
      if (dependents?.size === 0) this.#dependents.delete(key);
    }
  }
}

const isSetting = (object: KernelObject): object is Sysctl | LinkSetting =>
  object.kind === "sysctl" || object.kind === "link-setting";

/** The keys that an object answers to, its identity first. */
function keysOf(object: KernelObject): readonly string[] {
  const kind = kindOf(object);
  return [kind.key(object), ...(kind.provides?.(object) ?? [])];
}

/** A link with what a change gives it; what the change leaves out stays, but that no master means out of the bridge. */
function mergedLink(current: Link, change: Link): Link {
  const { master: _master, ...kept } = current;
  if (change.type === "bridge") return { ...kept, ...change };
  if (change.type !== "veth") return { ...kept, ...change };
  const before = current.type === "veth" ? current : undefined;
  const port = { ...before?.port, ...change.port };
  return {
    ...kept,
    ...change,
    peer: { ...before?.peer, ...change.peer },
    ...((before?.port !== undefined || change.port !== undefined) && { port }),
  };
}
