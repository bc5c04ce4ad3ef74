/** Descriptions of objects for tests of what reads them: with what every one has, and nothing else. */
import type { EndpointInfo, NetworkInfo, SandboxInfo } from "../../src/model/types.ts";

const created = "2026-01-01T00:00:00.000000000Z";

/** An endpoint of the network "front". */
export const plainEndpoint = (name: string, more: Partial<EndpointInfo> = {}): EndpointInfo => ({
  id: `endpoint-${name}`,
  name,
  created,
  network: { id: "network-front", name: "front", driver: "bridge" },
  aliases: [],
  publish: [],
  ports: [],
  opened: [],
  linkLocal: [],
  routes: [],
  exposed: [],
  nameservers: [],
  sysctls: {},
  options: {},
  labels: {},
  ...more,
});

/** A bridge network. */
export const plainNetwork = (name: string, more: Partial<NetworkInfo> = {}): NetworkInfo => ({
  id: `network-${name}`,
  name,
  driver: "bridge",
  created,
  scope: "local",
  internal: false,
  attachable: false,
  ingress: false,
  configOnly: false,
  enableIpv4: true,
  enableIpv6: false,
  ipam: { driver: "default", options: {}, pools: [] },
  options: {},
  labels: {},
  endpoints: [],
  ...more,
});

/** A sandbox with a namespace of its own. */
export const plainSandbox = (name: string, more: Partial<SandboxInfo> = {}): SandboxInfo => ({
  id: `sandbox-${name}`,
  name,
  created,
  namespace: `/run/${name}`,
  owned: true,
  nameservers: [],
  searchDomains: [],
  resolverOptions: [],
  extraHosts: [],
  links: [],
  labels: {},
  gateway: {},
  endpoints: [],
  ...more,
});
