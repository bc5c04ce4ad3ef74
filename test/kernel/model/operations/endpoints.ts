/** Operations on endpoints: made, joined, connected, and gone again. */
import { foreignNamespace, type Operation } from "./operation.ts";
import { backPools, front, frontAndWeb, joined, joinedTwice, manifold, namedInItsOwnWay, routed } from "./scenes.ts";

export const endpointOperations: readonly Operation[] = [
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
    name: "create an endpoint",
    prepare: front,
    run: (controller, options) => controller.network("front").createEndpoint({ name: "one" }, options),
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
];
