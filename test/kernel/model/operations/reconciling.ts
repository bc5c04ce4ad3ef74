/** Reconciling, with what is there to mend. */
import { damage, damageServices, filterBridging } from "../interference.ts";
import type { Operation } from "./operation.ts";
import { backPools, bridgeKey, joined, manifold, published, settings } from "./scenes.ts";

export const reconciling: readonly Operation[] = [
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
