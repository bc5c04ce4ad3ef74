/** Metrics of a route (RTA_METRICS; linux/rtnetlink.h, RTAX_*): 32-bit numbers that override what the kernel would measure or assume. */
import type { Attributes, AttributeWriter } from "../attribute.ts";

const attribute = {
  /** RTAX_LOCK: bit n set means that metric n is not to be changed by path discovery. */ lock: 1,
  /** RTAX_MTU */ mtu: 2,
  /** RTAX_WINDOW */ window: 3,
  /** RTAX_RTT */ roundTripTime: 4,
  /** RTAX_RTTVAR */ roundTripVariance: 5,
  /** RTAX_SSTHRESH */ slowStartThreshold: 6,
  /** RTAX_CWND */ congestionWindow: 7,
  /** RTAX_ADVMSS */ advertisedSegmentSize: 8,
  /** RTAX_REORDERING */ reordering: 9,
  /** RTAX_HOPLIMIT */ hopLimit: 10,
  /** RTAX_INITCWND */ initialCongestionWindow: 11,
  /** RTAX_FEATURES */ features: 12,
  /** RTAX_RTO_MIN */ minimumTimeout: 13,
  /** RTAX_INITRWND */ initialReceiveWindow: 14,
  /** RTAX_QUICKACK */ quickAcknowledge: 15,
} as const;

/** The metrics set on a route, in the kernel's units. */
export type RouteMetrics = { readonly [Metric in keyof typeof attribute]?: number | undefined };

const metricTypes = Object.entries(attribute) as [keyof RouteMetrics, number][]; // The object literal above has no other keys.

/** Adds the metrics that are set. */
export function encodeMetrics(writer: AttributeWriter, metrics: RouteMetrics): void {
  for (const [metric, type] of metricTypes) {
    const value = metrics[metric];
    if (value !== undefined) writer.u32(type, value);
  }
}

/** Reads the metrics that are set. */
export function decodeMetrics(attributes: Attributes): RouteMetrics {
  const metrics: { -readonly [Metric in keyof RouteMetrics]: RouteMetrics[Metric] } = {};
  for (const [metric, type] of metricTypes) {
    const value = attributes.get(type);
    if (value !== undefined) metrics[metric] = value.u32();
  }
  return metrics;
}
