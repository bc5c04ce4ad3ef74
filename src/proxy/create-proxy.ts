/** The proxy as the model has it: messages to the thread that serves. */
import { type Services, ServiceThread } from "../loop/thread.ts";
import type { PortProxy } from "./proxy.ts";
import type { AnswerValue, Request } from "./requests.ts";

/** Makes a proxy whose host is the network namespace in which the thread starts. It costs nothing before the first endpoint. */
export function createProxy(thread: Services = new ServiceThread()): PortProxy {
  const service = thread.open<Request, AnswerValue>("proxy");
  return {
    async start(candidates) {
      const port = await service.call({ kind: "start", candidates });
      if (port === undefined) throw new TypeError("the proxy answers where it serves");
      return port;
    },
    async stop() {
      await service.call({ kind: "stop" });
    },
    takeOver: () => service.post({ kind: "take over" }),
    setEndpoints: (endpoints) => service.post({ kind: "set endpoints", endpoints }),
    removeEndpoint: (id) => service.post({ kind: "remove endpoint", id }),
    close: () => service.close(),
  };
}
