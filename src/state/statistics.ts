/** Counters of a link, wherever it is. */
import { type Kernel, KernelError, type NamespaceRef } from "../kernel/kernel.ts";
import {
  decodeLinkStatistics,
  getLinkStatistics,
  type LinkStatistics,
} from "../kernel/netlink/route/link-statistics.ts";

/** The counters; undefined where the link or its namespace does not exist. */
export function readStatistics(kernel: Kernel, namespace: NamespaceRef, link: string): LinkStatistics | undefined {
  try {
    const [answer] = kernel.get(namespace, "route", getLinkStatistics(link));
    return answer && decodeLinkStatistics(answer);
  } catch (error) {
    if (error instanceof KernelError && ["ENODEV", "ENOENT"].includes(error.refusal.code)) return undefined;
    throw error;
  }
}
