/** Queueing disciplines at the root of links. Ours are known by their handle. */
import { ownQueueHandle } from "../../kernel/netlink/route/ownership.ts";
import {
  bucketInfo,
  bucketOf,
  createTokenBucket,
  decodeQueue,
  deleteQueue,
  dumpQueues,
  type QueueInfo,
  rootParent,
  type TokenBucketInfo,
} from "../../kernel/netlink/route/qdisc.ts";
import {
  type ApplyContext,
  inNamespace,
  inside,
  type Kind,
  linkKey,
  namespaceKey,
  type ObservedNamespace,
  type Step,
} from "../kind.ts";
import type { Qdisc } from "../objects.ts";

const root = ({ namespace, link }: Qdisc, context: ApplyContext) => ({
  link: context.linkIndex(namespace, link),
  handle: ownQueueHandle,
});

const put = (object: Qdisc, mode: "exclusive" | "replace"): Step => ({
  type: "route",
  namespace: object.namespace,
  messages: (context) => [createTokenBucket(root(object, context), object, mode)],
});

/** Whether the kernel was told of this one; it rounds times to its ticks. */
function isMadeOf(there: TokenBucketInfo, object: Qdisc): boolean {
  const { rate, limit, buffer } = bucketInfo(object);
  return there.rate === rate && there.limit === limit && Math.abs(there.buffer - buffer) <= 1;
}

/** What is at the root of a link; undefined for what is not ours and in nobody's way. */
function observeQueue(
  info: QueueInfo,
  from: ObservedNamespace,
  desired: ReadonlyMap<string, Qdisc>,
  wanted: ReadonlySet<string>,
): Qdisc | undefined {
  const link = from.linkName(info.link);
  // The kernel's own choice has no handle.
  if (link === undefined || info.parent !== rootParent || info.handle === 0) return undefined;
  const base = { kind: "qdisc", namespace: from.namespace, link, type: "tbf" } as const;
  const like = desired.get(qdisc.key({ ...base, rate: 0, burst: 0, latency: 0 }));
  if (info.handle === ownQueueHandle && info.bucket !== undefined) {
    return like !== undefined && isMadeOf(info.bucket, like) ? like : { ...base, ...bucketOf(info.bucket) };
  }
  // In the place of one that is wanted is one that none is like.
  const other: Qdisc = { ...base, rate: 0, burst: 0, latency: 0 };
  return wanted.has(qdisc.key(other)) ? other : undefined;
}

function command(verb: string, { namespace, link, type, rate, burst, latency }: Qdisc): string {
  return `${inside(namespace)}tc qdisc ${verb} dev ${link} root handle ${handleWords} ${type} rate ${rate}bps burst ${burst} latency ${latency}us`;
}

const handleWords = `${(ownQueueHandle >>> 16).toString(16)}:`;

export const qdisc: Kind<Qdisc> = {
  key: ({ namespace, link }) => `qdisc ${namespace} ${link}`,
  references: ({ namespace, link }) => [namespaceKey(namespace), linkKey(namespace, link)],
  words: ({ namespace, link, type }) => `${type} qdisc of link ${link} ${inNamespace(namespace)}`,
  create: (object) => [put(object, "exclusive")],
  update: (_before, object) => [put(object, "replace")],
  delete: (object) => [
    { type: "route", namespace: object.namespace, messages: (context) => [deleteQueue(root(object, context))] },
  ],
  // Somebody else's handle is at the root.
  gone: new Set(["EINVAL"]),
  observe: ({ namespaces, desired, wanted }) =>
    namespaces.flatMap((from) => {
      const known = new Map(
        desired
          .filter((object) => object.kind === "qdisc")
          .filter(({ namespace }) => namespace === from.namespace)
          .map((object) => [qdisc.key(object), object]),
      );
      // What links say of themselves spares the question where nothing of the kind is.
      if (known.size === 0 && !from.links.some(({ qdisc: kind }) => kind === "tbf")) return [];
      return from.kernel
        .dump(from.namespace, "route", dumpQueues())
        .flatMap((message) => observeQueue(decodeQueue(message), from, known, wanted) ?? []);
    }),
  commands: {
    create: (object) => [command("add", object)],
    update: (_before, object) => [command("replace", object)],
    delete: ({ namespace, link }) => [`${inside(namespace)}tc qdisc delete dev ${link} root handle ${handleWords}`],
  },
};
