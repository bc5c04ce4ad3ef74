/** Operations of the driver macvlan. */
import { foreignNamespace, type Operation } from "./operation.ts";
import { front, lanAndWeb } from "./scenes.ts";

export const macvlanOperations: readonly Operation[] = [
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
];
