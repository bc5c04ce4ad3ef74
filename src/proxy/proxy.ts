/**
 * The proxy as the model has it: one place that leads connections and datagrams to sandboxes where the kernel cannot. The firewall sends them to its port; whose
 * they are it finds out by where they were to go. What was not sent to it so, or leads to no published port, it turns away.
 */
import type { ProxiedPort } from "../address/port.ts";

/** An endpoint with the ports that are proxied for it. */
export interface ProxiedEndpoint {
  readonly id: string;
  readonly ports: readonly ProxiedPort[];
}

export interface PortProxy {
  /**
   * Begins to serve at one port of all IPv6 addresses of the host, TCP and UDP: the first of `candidates` that is free, which it answers. Throws `in-use` where
   * none is, `unsupported` where the host has no IPv6.
   */
  start(candidates: readonly number[]): Promise<number>;
  /**
   * Has senders of datagrams come who sent before the firewall led to the proxy, and never pause: the kernel goes on with what it tracks. Of endpoints that are set
   * later they come by themselves.
   */
  takeOver(): void;
  /** Ends all connections and lets go of the port; endpoints stay set. */
  stop(): Promise<void>;
  /** Serves these endpoints from now on. What goes to ports that one of them has no longer ends. */
  setEndpoints(endpoints: readonly ProxiedEndpoint[]): void;
  removeEndpoint(id: string): void;
  close(): Promise<void>;
}
