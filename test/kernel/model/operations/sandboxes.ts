/** Operations on sandboxes. */
import { foreignNamespace, type Operation } from "./operation.ts";
import { front, joinedTwice, namedInItsOwnWay } from "./scenes.ts";

export const sandboxOperations: readonly Operation[] = [
  {
    name: "create a sandbox",
    run: (controller, options) => controller.createSandbox({ name: "web", hostname: "web" }, options),
  },
  {
    name: "create a sandbox that resolves names in its own way",
    run: (controller, options) => controller.createSandbox(namedInItsOwnWay, options),
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
];
