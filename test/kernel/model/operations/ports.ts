/** Operations on endpoints with published ports, or ports to be opened. */
import type { Operation } from "./operation.ts";
import { bridgeKey, frontAndWeb, published, publishedUnjoined, routed } from "./scenes.ts";

export const portOperations: readonly Operation[] = [
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
];
