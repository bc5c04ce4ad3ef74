/** Routes with one way. */

import type { Family } from "../../address/ip.ts";
import { ownProtocol } from "../../kernel/netlink/route/ownership.ts";
import {
  createRoute,
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  type RouteOptions,
  routeTable,
} from "../../kernel/netlink/route/route.ts";
import type { CreateMode } from "../../kernel/netlink/route/rtnetlink.ts";
import {
  type ApplyContext,
  fieldsAgree,
  inNamespace,
  inside,
  type Kind,
  linkKey,
  namespaceKey,
  type ObservedNamespace,
} from "../kind.ts";
import type { Route } from "../objects.ts";

function options(route: Route, context: ApplyContext): RouteOptions {
  const { namespace, family, destination, gateway, link, onLink, source, table, metric, scope, type } = route;
  const { mtu, advertisedMss } = route;
  const index = link === undefined ? undefined : context.linkIndex(namespace, link);
  return {
    family,
    destination,
    gateway,
    link: index,
    onLink,
    source,
    table,
    metric,
    scope,
    type,
    protocol: ownProtocol,
    ...((mtu ?? advertisedMss) !== undefined && { metrics: { mtu, advertisedSegmentSize: advertisedMss } }),
  };
}

const creation = ({ behindOthers }: Route): CreateMode => (behindOthers ? "append" : "exclusive");

/** IPv6 routes without a metric get 1024 (IP6_RT_PRIO_USER). */
const defaultMetric = ({ family }: Pick<Route, "family">): number => (family === 6 ? 1024 : 0);

function words(route: Route): string {
  const { family, destination, gateway, link, onLink, source, table, metric, scope, type, mtu, advertisedMss } = route;
  const part = (name: string, value: string | number | undefined): string =>
    value === undefined ? "" : ` ${name} ${value}`;
  const kind = type === undefined || type === "unicast" ? "" : `${type} `;
  const way = `${part("via", gateway)}${part("dev", link)}${onLink ? " onlink" : ""}`;
  return `${family === 6 ? "-6 " : ""}route ${"VERB"} ${kind}${destination}${way}${part("src", source)}${part("table", table)}${part("metric", metric)}${part("scope", scope)} proto ${ownProtocol}${part("mtu", mtu)}${part("advmss", advertisedMss)}`;
}

const command = (verb: string, route: Route): string =>
  `${inside(route.namespace)}ip ${words(route).replace("VERB", verb)}`;

/** The routes of a namespace and family, of one origin or of any. */
function routesOf(
  { namespace, kernel, linkName }: ObservedNamespace,
  family: Family,
  protocol?: number,
): readonly Route[] {
  return kernel.dump(namespace, "route", dumpRoutes(family, { protocol })).flatMap((message): Route[] => {
    const info = decodeRoute(message);
    if (info === undefined || (protocol !== undefined && info.protocol !== protocol)) return [];
    const link = linkName(info.link);
    const { type, scope, metrics } = info;
    const known = type === "unicast" || type === "blackhole" || type === "unreachable" || type === "prohibit";
    return [
      {
        kind: "route",
        namespace,
        family,
        destination: info.destination,
        ...(info.gateway !== undefined && { gateway: info.gateway }),
        ...(link !== undefined && { link }),
        ...(info.source !== undefined && { source: info.source }),
        ...(info.onLink && { onLink: true }),
        ...(info.table !== routeTable.main && { table: info.table }),
        ...((info.metric ?? 0) !== defaultMetric({ family }) && info.metric !== undefined && { metric: info.metric }),
        ...((scope === "universe" || scope === "link" || scope === "host") && { scope }),
        ...(known && { type }),
        ...(metrics?.mtu !== undefined && { mtu: metrics.mtu }),
        ...(metrics?.advertisedSegmentSize !== undefined && { advertisedMss: metrics.advertisedSegmentSize }),
      },
    ];
  });
}

export const route: Kind<Route> = {
  key: (object) =>
    `route ${object.namespace} ${object.family} ${object.destination} ${object.table ?? routeTable.main} ${object.metric ?? defaultMetric(object)}`,
  references: ({ namespace, link }) => [
    namespaceKey(namespace),
    ...(link === undefined ? [] : [linkKey(namespace, link)]),
  ],
  words: ({ namespace, family, destination, gateway }) =>
    `IPv${family} route to ${destination}${gateway === undefined ? "" : ` via ${gateway}`} ${inNamespace(namespace)}`,
  create: (object) => [
    {
      type: "route",
      namespace: object.namespace,
      messages: (context) => [createRoute(options(object, context), creation(object))],
    },
  ],
  // Of several to one destination, the kernel replaces the first.
  update: (before, object) =>
    before.behindOthers || object.behindOthers
      ? undefined
      : [
          {
            type: "route",
            namespace: object.namespace,
            messages: (context) => [createRoute(options(object, context), "replace")],
          },
        ],
  delete: (object) => [
    { type: "route", namespace: object.namespace, messages: (context) => [deleteRoute(options(object, context))] },
  ],
  observe: ({ namespaces, desired, wanted }) =>
    namespaces.flatMap((from) =>
      ([4, 6] as const).flatMap((family) => {
        const own = routesOf(from, family, ownProtocol);
        const there = new Set(own.map(route.key));
        const missing = new Set(
          desired.flatMap((object) => {
            if (object.kind !== "route" || object.namespace !== from.namespace || object.family !== family) return [];
            const key = route.key(object);
            return wanted.has(key) && !there.has(key) ? [key] : [];
          }),
        );
        if (missing.size === 0) return own;
        return [...own, ...routesOf(from, family).filter((object) => missing.has(route.key(object)))];
      }),
    ),
  equal: ({ behindOthers: _, ...desired }, observed) => fieldsAgree(desired, observed),
  commands: {
    create: (object) => [command(object.behindOthers ? "append" : "add", object)],
    update: (_before, object) => [command("replace", object)],
    delete: (object) => [command("delete", object)],
  },
};
