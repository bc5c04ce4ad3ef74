/**
 * What a kind of kernel object is: everything that concerns it, in one file of kinds/. Identity and order, the messages that make, change and
 * remove one, how it is read back, and the commands that do the same.
 */
import type { Kernel, NamespaceRef } from "../kernel/kernel.ts";
import type { NetlinkMessage } from "../kernel/netlink/message.ts";
import type { LinkInfo } from "../kernel/netlink/route/link.ts";
import type { KernelObject, NftChain, NftElement, NftRule, NftSet, NftTable } from "./objects.ts";

/** What messages are made with when they are sent: numbers that only this kernel knows. */
export interface ApplyContext {
  readonly kernel: Kernel;
  /** Index of a link by name; throws KernelError ENODEV. */
  linkIndex(namespace: NamespaceRef, name: string): number;
  /** Notes that a name has another meaning from now on. */
  forgetLink(namespace: NamespaceRef, name: string): void;
}

export type NftObject = NftTable | NftChain | NftSet | NftRule | NftElement;

/** A piece of the work of one change. nft steps of a plan are one transaction. Netlink messages of several steps travel together. */
export type Step =
  | {
      readonly type: "route";
      readonly namespace: NamespaceRef;
      /**
       * What depends on this step waits for the kernel's answer: in one send, a message that addresses a link by name would reach somebody else's
       * link of that name after the creation was refused.
       */
      readonly birth?: true;
      readonly messages: (context: ApplyContext) => readonly NetlinkMessage[];
    }
  | {
      readonly type: "nft";
      readonly namespace: NamespaceRef;
      readonly verb: "create" | "update" | "delete";
      readonly object: NftObject;
    }
  | {
      readonly type: "call";
      readonly run: (context: ApplyContext) => void;
    };

/** What is read of a namespace once and looked at by all kinds. */
export interface ObservedNamespace {
  readonly namespace: NamespaceRef;
  readonly kernel: Kernel;
  readonly links: readonly LinkInfo[];
  /** Name of a link by index; undefined for one that is gone. */
  linkName(index: number | undefined): string | undefined;
}

/** What `observe` hands to a kind, of one namespace or of all. */
export interface Observation {
  readonly kernel: Kernel;
  /** The namespaces that exist among those looked at, the host first. */
  readonly namespaces: readonly ObservedNamespace[];
  /** Objects that are wanted or may be left over, for kinds that cannot be listed: sysctls, files. */
  readonly desired: readonly KernelObject[];
  /** Identities of those that are wanted: what has taken the place of one is seen as well, whosever it is. */
  readonly wanted: ReadonlySet<string>;
}

export interface Kind<Object extends KernelObject> {
  /** Identity: equal for two objects of which only one can exist. */
  key(object: Object): string;
  /** Further keys that others refer to it by: a veth's other end. */
  provides?(object: Object): readonly string[];
  /** Keys of objects that must be there first. */
  references(object: Object): readonly string[];
  /** The object in the user's words. */
  words(object: Object): string;
  /** Steps that make the object; it must not be there yet. */
  create(object: Object): readonly Step[];
  /** Steps that change it in place; undefined where it has to be removed and made again. */
  update(before: Object, object: Object): readonly Step[] | undefined;
  /** Steps that remove it. */
  delete(object: Object): readonly Step[];
  /** Refusals of its deletion that say that there is nothing of ours, beside those that say so of every kind. */
  readonly gone?: ReadonlySet<string>;
  /**
   * Reads the objects that are there and ours, or named by `desired`. It is asked for one namespace at a time, with those desired that live in it, so that each
   * is entered once; a kind that is {@link everywhere}, for all at once.
   */
  observe(observation: Observation): readonly Object[];
  /** What it is told by does not lie in one namespace. */
  readonly everywhere?: true;
  /** Whether what is there is what is wanted, where that is not a matter of comparing the fields given. */
  equal?(desired: Object, observed: Object): boolean;
  /** Shell commands that do what {@link create}, {@link update} and {@link delete} do. */
  readonly commands: {
    create(object: Object): readonly string[];
    update(before: Object, object: Object): readonly string[];
    delete(object: Object): readonly string[];
  };
}

/** Key of a namespace; the host needs none. */
export const namespaceKey = (namespace: NamespaceRef): string => `namespace ${namespace}`;
/** Key of a link. */
export const linkKey = (namespace: NamespaceRef, name: string): string => `link ${namespace} ${name}`;

/** " in the host" or " in PATH", for error messages. */
export const inNamespace = (namespace: NamespaceRef): string =>
  namespace === "host" ? "in the host" : `in namespace ${namespace}`;

/** Prefix of commands that act in a namespace. */
export const inside = (namespace: NamespaceRef): string => (namespace === "host" ? "" : `nsenter --net=${namespace} `);

/** Whether every field that `desired` gives has the same value in `observed`. */
export function fieldsAgree(desired: unknown, observed: unknown): boolean {
  if (Object.is(desired, observed) || desired === undefined) return true;
  if (typeof desired !== "object" || typeof observed !== "object" || desired === null || observed === null)
    return false;
  if (Array.isArray(desired) && (!Array.isArray(observed) || desired.length !== observed.length)) return false;
  // Both are objects; what is not a field of the other reads as undefined.
  const there = observed as Readonly<Record<string, unknown>>;
  return Object.entries(desired).every(([field, value]) => fieldsAgree(value, there[field]));
}
