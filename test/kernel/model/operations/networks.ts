/** Operations on networks of the driver bridge. */
import type { Operation } from "./operation.ts";
import { backPools, bridgeKey, front, isolated, joined, routed } from "./scenes.ts";

export const networkOperations: readonly Operation[] = [
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
];
