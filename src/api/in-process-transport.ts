/** To an engine of this process's own, by the same HTTP app without a socket: a command without a daemon behaves as one with. */

import { endpointMakers } from "../cni/maker.ts";
import { createKernel } from "../kernel/linux.ts";
import { createController } from "../model/controller.ts";
import { createEngine } from "../state/create-engine.ts";
import { buildApp } from "./app.ts";
import { prefix } from "./prefix.ts";
import { abortedError, type ClientOptions, readAnswer, type Transport } from "./transport.ts";

/** How long a command waits for another one that has the store, milliseconds. */
const storeWait = 10_000;

/** Opens the engine; throws `locked`, `store`. */
export async function openInProcess({ socket: _, ...where }: ClientOptions): Promise<Transport> {
  const engine = createEngine(createKernel());
  const controller = await createController({
    ...where,
    wait: storeWait,
    engine,
    makers: endpointMakers(where),
    services: false,
    mending: "interrupted",
  });
  const app = await buildApp(controller, where);
  return {
    async request({ method, path, body, signal }) {
      if (signal?.aborted) throw abortedError(signal.reason);
      const response = await app.inject({
        method,
        url: `${prefix}${path}`,
        ...(body && { payload: body }),
        ...(signal && { signal }),
      });
      return readAnswer(response.statusCode, response.payload);
    },
    async *lines(_path, signal) {
      for await (const event of controller.events(signal ? { signal } : {})) {
        yield JSON.stringify({ ...event, time: String(event.time) });
      }
    },
    async close() {
      await app.close();
      await controller.settle();
      await controller.close();
    },
  };
}
