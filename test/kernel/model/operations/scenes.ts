/** What operations work on. */
import type { EndpointSpec, JoinSpec, NetworkController, SandboxSpec } from "../../../../src/model/types.ts";

export async function front(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "front", enableIpv6: true });
}

export async function frontAndWeb(controller: NetworkController): Promise<void> {
  await front(controller);
  await controller.createSandbox({ name: "web" });
}

export async function joined(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  await controller.connect(controller.network("front"), controller.sandbox("web"), { name: "one" });
}

/** A sandbox with published ports, beside another one that has some, too. */
export async function published(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  const other = await controller.createSandbox({ name: "other" });
  await controller.connect(controller.network("front"), other, { publish: ["8081:80", "5353:54/udp"] });
  const publish = ["8080:80", "5354:53/udp", "7000-7099:7000-7099"];
  await controller.connect(controller.network("front"), controller.sandbox("web"), { name: "one", publish });
}

/** An endpoint with published ports that is in no sandbox yet. */
export async function publishedUnjoined(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  const publish = ["8082:80", "8083:53/udp", "7000-7099:7000-7099"];
  await controller.network("front").createEndpoint({ name: "three", publish });
}

/** A sandbox in two networks, the second of which has its default route. */
export async function joinedTwice(controller: NetworkController): Promise<void> {
  await joined(controller);
  const back = await controller.createNetwork({ name: "back" });
  await controller.connect(back, controller.sandbox("web"), { name: "two", gatewayPriority: 1 });
}

export const backPools = [{ subnet: "10.77.0.0/24" }, { subnet: "fd00:77::/64" }] as const;

export const settings = {
  "com.docker.network.endpoint.ifname": "back0",
  "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.IFNAME.gc_stale_time=33",
};

/** A macvlan network without a parent, and a sandbox. */
export async function lanAndWeb(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "lan", driver: "macvlan", enableIpv6: true });
  await controller.createSandbox({ name: "web" });
}

/** An endpoint in which everything is chosen. */
export const manifold: EndpointSpec & JoinSpec = {
  name: "two",
  ipv4: "10.77.0.9",
  ipv6: "fd00:77::9",
  mac: "02:00:00:00:00:09",
  linkLocal: ["169.254.9.9", "fe80::9"],
  routes: ["10.78.0.0/16=10.77.0.1", "fd00:78::/48=fd00:77::1", "10.79.0.0/16"],
  publish: ["8080:80"],
  gatewayPriority: 1,
  options: { ...settings, "com.docker.network.portmap": "5353:53/udp" },
};

export const namedInItsOwnWay: SandboxSpec = {
  name: "web",
  hostname: "www",
  domainname: "shop.test",
  nameservers: ["192.0.2.53"],
  searchDomains: ["shop.test"],
  resolverOptions: ["timeout:1"],
  extraHosts: ["db:10.1.0.7", "host.test:host-gateway"],
  links: ["api:store"],
};

export const bridgeKey = (name: string): string => `com.docker.network.bridge.${name}`;
export const isolated = { [bridgeKey("gateway_mode_ipv4")]: "isolated", [bridgeKey("gateway_mode_ipv6")]: "isolated" };

export async function routed(controller: NetworkController): Promise<void> {
  const options = { [bridgeKey("gateway_mode_ipv4")]: "routed", [bridgeKey("gateway_mode_ipv6")]: "routed" };
  await controller.createNetwork({ name: "routed", enableIpv6: true, options });
}
