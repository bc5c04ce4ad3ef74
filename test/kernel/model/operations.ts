/** Every operation of the library that changes something, each with the state that it starts from: what tests of failure and of explanation go through. */
import type {
  ChangeOptions,
  EndpointSpec,
  JoinSpec,
  NetworkController,
  SandboxSpec,
} from "../../../src/model/types.ts";
import { run } from "../../support/test-host.ts";
import { damage, damageServices, filterBridging } from "./interference.ts";

export interface Operation {
  readonly name: string;
  /** Makes what the operation works on. */
  readonly prepare?: (controller: NetworkController) => Promise<void>;
  /** What somebody then does behind the engine's back; `namespace` is that of the sandbox `web`. */
  readonly damage?: (namespace: string) => void;
  readonly run: (controller: NetworkController, options?: ChangeOptions) => Promise<unknown>;
  /** It tells no plan. */
  readonly silent?: true;
  /** What a caller does who does not know how far it came, and to which state that leads; absent: it was done whole, or not begun. */
  readonly settle?: {
    readonly run: (controller: NetworkController) => Promise<unknown>;
    readonly leads: "before" | "done";
  };
}

/** A namespace of somebody else's, for sandboxes that are none of the engine's making. */
export const foreignNamespace = "/run/netns/foreign";

/** Makes it. Its loopback link was up before, so that it has its addresses: they stay when it goes down. */
export function makeForeign(): void {
  run("ip netns add foreign");
  run("ip -n foreign link set lo up");
  run("ip -n foreign link set lo down");
}

/** Makes what an operation works on, with the damage. */
export async function prepare(
  { prepare: make, damage: harm }: Operation,
  controller: NetworkController,
): Promise<void> {
  await make?.(controller);
  harm?.(controller.sandbox("web").info().namespace);
}

async function front(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "front", enableIpv6: true });
}

async function frontAndWeb(controller: NetworkController): Promise<void> {
  await front(controller);
  await controller.createSandbox({ name: "web" });
}

async function joined(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  await controller.connect(controller.network("front"), controller.sandbox("web"), { name: "one" });
}

/** A sandbox with published ports, beside another one that has some, too. */
async function published(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  const other = await controller.createSandbox({ name: "other" });
  await controller.connect(controller.network("front"), other, { publish: ["8081:80", "5353:54/udp"] });
  const publish = ["8080:80", "5354:53/udp", "7000-7099:7000-7099"];
  await controller.connect(controller.network("front"), controller.sandbox("web"), { name: "one", publish });
}

/** An endpoint with published ports that is in no sandbox yet. */
async function publishedUnjoined(controller: NetworkController): Promise<void> {
  await frontAndWeb(controller);
  const publish = ["8082:80", "8083:53/udp", "7000-7099:7000-7099"];
  await controller.network("front").createEndpoint({ name: "three", publish });
}

/** A sandbox in two networks, the second of which has its default route. */
async function joinedTwice(controller: NetworkController): Promise<void> {
  await joined(controller);
  const back = await controller.createNetwork({ name: "back" });
  await controller.connect(back, controller.sandbox("web"), { name: "two", gatewayPriority: 1 });
}

const backPools = [{ subnet: "10.77.0.0/24" }, { subnet: "fd00:77::/64" }] as const;

const settings = {
  "com.docker.network.endpoint.ifname": "back0",
  "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.neigh.IFNAME.gc_stale_time=33",
};

/** A macvlan network without a parent, and a sandbox. */
async function lanAndWeb(controller: NetworkController): Promise<void> {
  await controller.createNetwork({ name: "lan", driver: "macvlan", enableIpv6: true });
  await controller.createSandbox({ name: "web" });
}

/** An endpoint in which everything is chosen. */
const manifold: EndpointSpec & JoinSpec = {
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

const namedInItsOwnWay: SandboxSpec = {
  name: "web",
  hostname: "www",
  domainname: "shop.test",
  nameservers: ["192.0.2.53"],
  searchDomains: ["shop.test"],
  resolverOptions: ["timeout:1"],
  extraHosts: ["db:10.1.0.7", "host.test:host-gateway"],
  links: ["api:store"],
};

const bridgeKey = (name: string): string => `com.docker.network.bridge.${name}`;
const isolated = { [bridgeKey("gateway_mode_ipv4")]: "isolated", [bridgeKey("gateway_mode_ipv6")]: "isolated" };

async function routed(controller: NetworkController): Promise<void> {
  const options = { [bridgeKey("gateway_mode_ipv4")]: "routed", [bridgeKey("gateway_mode_ipv6")]: "routed" };
  await controller.createNetwork({ name: "routed", enableIpv6: true, options });
}

export const operations: readonly Operation[] = [
  {
    name: "create a network",
    run: (controller, options) =>
      controller.createNetwork(
        {
          name: "front",
          enableIpv6: true,
          labels: { tier: "1" },
          options: { "com.docker.network.driver.mtu": "1400" },
        },
        options,
      ),
  },
  {
    name: "create a second network",
    prepare: front,
    run: (controller, options) => controller.createNetwork({ name: "back" }, options),
  },
  {
    name: "create an internal network",
    run: (controller, options) => controller.createNetwork({ name: "inner", internal: true }, options),
  },
  {
    name: "create a network whose sandboxes are kept apart, with a chosen source and trusted interfaces",
    run: (controller, options) =>
      controller.createNetwork(
        {
          name: "apart",
          enableIpv6: true,
          options: {
            [bridgeKey("enable_icc")]: "false",
            [bridgeKey("gateway_mode_ipv4")]: "nat-unprotected",
            [bridgeKey("trusted_host_interfaces")]: "lo:eth9",
            "com.docker.network.host_ipv4": "192.0.2.9",
            "com.docker.network.host_ipv6": "2001:db8::9",
          },
        },
        options,
      ),
  },
  {
    name: "create an isolated network",
    run: (controller, options) =>
      controller.createNetwork({ name: "alone", enableIpv6: true, internal: true, options: isolated }, options),
  },
  {
    name: "delete a routed network",
    prepare: routed,
    run: (controller, options) => controller.network("routed").delete(options),
  },
  {
    name: "connect to a routed network, with ports to be opened",
    prepare: async (controller) => {
      await routed(controller);
      await controller.createSandbox({ name: "web" });
    },
    run: (controller, options) =>
      controller.connect(
        controller.network("routed"),
        controller.sandbox("web"),
        { name: "one", publish: ["8080:80", "9000-9010:9000-9010", "53/udp"] },
        options,
      ),
  },
  {
    name: "disconnect from a routed network",
    prepare: async (controller) => {
      await routed(controller);
      const web = await controller.createSandbox({ name: "web" });
      await controller.connect(controller.network("routed"), web, { name: "one", publish: ["80", "90-91:90-91"] });
    },
    run: (controller, options) => controller.disconnect(controller.endpoint("one"), options),
  },
  {
    name: "publish a port where sandboxes are kept apart and an interface is trusted",
    prepare: async (controller) => {
      await controller.createNetwork({
        name: "apart",
        options: { [bridgeKey("enable_icc")]: "false", [bridgeKey("trusted_host_interfaces")]: "eth9" },
      });
      await controller.createSandbox({ name: "web" });
    },
    run: (controller, options) =>
      controller.connect(
        controller.network("apart"),
        controller.sandbox("web"),
        { name: "one", publish: ["8080:80"] },
        options,
      ),
  },
  {
    name: "create a configuration network",
    run: (controller, options) => controller.createNetwork({ name: "settings", configOnly: true }, options),
  },
  {
    name: "create a network from a configuration",
    prepare: async (controller) => {
      const options = { [bridgeKey("enable_icc")]: "false" };
      await controller.createNetwork({ name: "settings", configOnly: true, options, ipam: { pools: [backPools[0]] } });
    },
    run: (controller, options) => controller.createNetwork({ name: "front", configFrom: "settings" }, options),
  },
  {
    name: "delete a configuration network",
    prepare: async (controller) => {
      await controller.createNetwork({ name: "settings", configOnly: true });
    },
    run: (controller, options) => controller.network("settings").delete(options),
  },
  {
    name: "delete a network",
    prepare: front,
    run: (controller, options) => controller.network("front").delete(options),
  },
  {
    name: "delete one network of two",
    prepare: async (controller) => {
      await joined(controller);
      await controller.createNetwork({ name: "back" });
    },
    run: (controller, options) => controller.network("back").delete(options),
  },
  {
    name: "prune networks",
    prepare: front,
    run: (controller, options) => controller.pruneNetworks({}, options),
  },
  {
    name: "create a sandbox",
    run: (controller, options) => controller.createSandbox({ name: "web", hostname: "web" }, options),
  },
  {
    name: "create a sandbox that resolves names in its own way",
    run: (controller, options) => controller.createSandbox(namedInItsOwnWay, options),
  },
  {
    name: "connect a sandbox that resolves names in its own way",
    prepare: async (controller) => {
      await front(controller);
      await controller.createSandbox(namedInItsOwnWay);
    },
    run: (controller, options) =>
      controller.connect(
        controller.network("front"),
        controller.sandbox("web"),
        { name: "one", aliases: ["www"] },
        options,
      ),
  },
  {
    name: "make an existing namespace a sandbox",
    run: (controller, options) => controller.createSandbox({ name: "web", netns: foreignNamespace }, options),
  },
  {
    name: "make the host's stack a sandbox",
    run: (controller, options) => controller.createSandbox({ name: "web", host: true }, options),
  },
  {
    name: "create an endpoint",
    prepare: front,
    run: (controller, options) => controller.network("front").createEndpoint({ name: "one" }, options),
  },
  {
    name: "create an endpoint with published ports",
    prepare: published,
    run: (controller, options) =>
      controller
        .network("front")
        .createEndpoint({ name: "three", publish: ["8082:80", "83", "8080-8089:84"], aliases: ["www"] }, options),
  },
  {
    name: "join an endpoint that has published ports",
    prepare: publishedUnjoined,
    run: (controller, options) => controller.endpoint("three").join(controller.sandbox("web"), {}, options),
  },
  {
    name: "delete an endpoint that has published ports",
    prepare: publishedUnjoined,
    run: (controller, options) => controller.endpoint("three").delete(options),
  },
  {
    name: "join the first endpoint of a sandbox",
    prepare: async (controller) => {
      await frontAndWeb(controller);
      await controller.network("front").createEndpoint({ name: "one" });
    },
    run: (controller, options) => controller.endpoint("one").join(controller.sandbox("web"), {}, options),
  },
  {
    name: "join an endpoint that takes the default route over",
    prepare: async (controller) => {
      await joined(controller);
      const back = await controller.createNetwork({ name: "back" });
      await back.createEndpoint({ name: "two" });
    },
    run: (controller, options) =>
      controller.endpoint("two").join(controller.sandbox("web"), { gatewayPriority: 1 }, options),
  },
  {
    name: "connect to the predefined bridge",
    prepare: async (controller) => {
      await controller.createSandbox({ name: "web" });
    },
    run: (controller, options) =>
      controller.connect(controller.network("bridge"), controller.sandbox("web"), {}, options),
  },
  {
    name: "connect with published ports",
    prepare: frontAndWeb,
    run: (controller, options) =>
      controller.connect(
        controller.network("front"),
        controller.sandbox("web"),
        { name: "one", publish: ["8080:80", "127.0.0.1:5353:53/udp", "7000-7099:7000-7099"] },
        options,
      ),
  },
  {
    name: "connect with ports of which there is a choice",
    prepare: async (controller) => {
      await published(controller);
      await controller.createSandbox({ name: "third" });
    },
    run: (controller, options) =>
      controller.connect(
        controller.network("front"),
        controller.sandbox("third"),
        { name: "three", publish: ["8080-8089:80", "81", "0:53/udp"] },
        options,
      ),
  },
  {
    name: "leave with published ports",
    prepare: published,
    run: (controller, options) => controller.endpoint("one").leave(options),
  },
  {
    name: "delete a sandbox with published ports",
    prepare: published,
    run: (controller, options) => controller.sandbox("web").delete(options),
  },
  {
    name: "connect an existing namespace",
    prepare: async (controller) => {
      await front(controller);
      await controller.createSandbox({ name: "web", netns: foreignNamespace });
    },
    run: (controller, options) =>
      controller.connect(
        controller.network("front"),
        controller.sandbox("web"),
        { name: "one", interfaceName: "net0", mac: "02:00:00:00:00:01" },
        options,
      ),
  },
  {
    name: "connect with all that an endpoint can be told, as the second of two",
    prepare: async (controller) => {
      await joined(controller);
      await controller.createNetwork({ name: "back", enableIpv6: true, ipam: { pools: backPools } });
    },
    run: (controller, options) =>
      controller.connect(controller.network("back"), controller.sandbox("web"), manifold, options),
  },
  {
    name: "connect to a network that looks for duplicates",
    prepare: async (controller) => {
      await controller.createSandbox({ name: "web" });
      const options = { "portolan.duplicate_address_detection": "true" };
      await controller.createNetwork({ name: "front", enableIpv6: true, options });
    },
    run: (controller, options) =>
      controller.connect(controller.network("front"), controller.sandbox("web"), { name: "one" }, options),
  },
  {
    name: "leave with routes, sysctls and link-local addresses",
    prepare: async (controller) => {
      await joined(controller);
      const back = await controller.createNetwork({ name: "back", enableIpv6: true, ipam: { pools: backPools } });
      await controller.connect(back, controller.sandbox("web"), manifold);
    },
    run: (controller, options) => controller.endpoint("two").leave(options),
  },
  {
    name: "connect to no network",
    prepare: async (controller) => {
      await controller.createSandbox({ name: "web" });
    },
    run: (controller, options) =>
      controller.connect(controller.network("none"), controller.sandbox("web"), {}, options),
  },
  {
    name: "connect the host's stack",
    prepare: async (controller) => {
      await controller.createSandbox({ name: "web", host: true });
    },
    run: (controller, options) =>
      controller.connect(controller.network("host"), controller.sandbox("web"), {}, options),
  },
  {
    name: "create a macvlan network",
    run: (controller, options) =>
      controller.createNetwork({ name: "lan", driver: "macvlan", enableIpv6: true }, options),
  },
  {
    name: "delete a macvlan network",
    prepare: async (controller) => {
      await controller.createNetwork({ name: "lan", driver: "macvlan" });
    },
    run: (controller, options) => controller.network("lan").delete(options),
  },
  {
    name: "connect a macvlan network",
    prepare: lanAndWeb,
    run: (controller, options) =>
      controller.connect(controller.network("lan"), controller.sandbox("web"), { name: "one" }, options),
  },
  {
    name: "connect a macvlan network beside another one, in an existing namespace",
    prepare: async (controller) => {
      await front(controller);
      await controller.createNetwork({ name: "lan", driver: "macvlan", enableIpv6: true });
      const web = await controller.createSandbox({ name: "web", netns: foreignNamespace });
      await controller.connect(controller.network("front"), web, { name: "one" });
    },
    run: (controller, options) =>
      controller.connect(controller.network("lan"), controller.sandbox("web"), { name: "two" }, options),
  },
  {
    name: "leave a macvlan network",
    prepare: async (controller) => {
      await lanAndWeb(controller);
      await controller.connect(controller.network("lan"), controller.sandbox("web"), { name: "one" });
    },
    run: (controller, options) => controller.endpoint("one").leave(options),
  },
  {
    name: "leave the only network",
    prepare: joined,
    run: (controller, options) => controller.endpoint("one").leave(options),
  },
  {
    name: "leave the network that has the default route",
    prepare: joinedTwice,
    run: (controller, options) => controller.endpoint("two").leave(options),
  },
  {
    name: "disconnect the last endpoint of the predefined bridge",
    prepare: async (controller) => {
      const web = await controller.createSandbox({ name: "web" });
      await controller.connect(controller.network("bridge"), web, { name: "one" });
    },
    run: (controller, options) => controller.disconnect(controller.endpoint("one"), options),
  },
  {
    name: "delete an endpoint",
    prepare: async (controller) => {
      await front(controller);
      await controller.network("front").createEndpoint({ name: "one" });
    },
    run: (controller, options) => controller.endpoint("one").delete(options),
  },
  {
    name: "delete a sandbox with its endpoints",
    prepare: joinedTwice,
    run: (controller, options) => controller.sandbox("web").delete(options),
  },
  {
    name: "delete a sandbox that is an existing namespace",
    prepare: async (controller) => {
      await front(controller);
      const web = await controller.createSandbox({ name: "web", netns: foreignNamespace });
      await controller.connect(controller.network("front"), web, { name: "one" });
    },
    run: (controller, options) => controller.sandbox("web").delete(options),
  },
  {
    name: "reconcile on a host that has changed",
    prepare: async (controller) => {
      filterBridging(false);
      await controller.createNetwork({ name: "apart", options: { [bridgeKey("enable_icc")]: "false" } });
      filterBridging(true);
      const web = await controller.createSandbox({ name: "web" });
      await controller.connect(controller.network("apart"), web, { name: "one", publish: ["8080:80"] });
    },
    run: (controller, options) => controller.reconcile(options),
  },
  {
    name: "reconcile",
    prepare: joined,
    damage,
    run: (controller, options) => controller.reconcile(options),
  },
  {
    name: "reconcile what others did to published ports, files, settings and routes",
    prepare: async (controller) => {
      await published(controller);
      const back = await controller.createNetwork({ name: "back", enableIpv6: true, ipam: { pools: backPools } });
      await controller.connect(back, controller.sandbox("web"), {
        ...manifold,
        publish: ["8090:80"],
        options: settings,
      });
    },
    damage: damageServices,
    run: (controller, options) => controller.reconcile(options),
  },
];
