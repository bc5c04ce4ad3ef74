/** Services that do nothing: sandboxes of a kernel in memory have no namespace to open sockets in, and a thread for each of ten thousand engines takes minutes. */
import type { Services } from "../../src/loop/thread.ts";

export const silentServices: Services = {
  open: <Request, Value>() => ({
    post: (_request: Request) => undefined,
    call: async (_request: Request) => undefined as Value, // of requests that have no answer: nobody asks for others here
    close: async () => undefined,
  }),
};
