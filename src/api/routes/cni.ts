/** Calls of CNI's plugins, which runtimes execute (cni/plugin). */
import { answer } from "../../cni/plugin/answer.ts";
import { callType, readExecution } from "../../cni/plugin/wire.ts";
import { PortolanError } from "../../errors.ts";
import type { NetworkController } from "../../model/types.ts";
import type { App } from "../server.ts";

/** Largest call, bytes: a configuration may hold a megabyte and more. */
const bodyLimit = 64 << 20;

/** Status of a call that the plugin ends with a failure; its body is the protocol's error. */
const failed = 422;

export function cniRoutes(app: App, controller: NetworkController): void {
  app.addContentTypeParser(callType, { parseAs: "buffer", bodyLimit }, (_request, body, done) => done(null, body));
  app.post(
    "/cni",
    { bodyLimit, schema: { tags: ["cni"], summary: "Carry out a call of a CNI plugin" } },
    async ({ body }, reply) => {
      const execution = body instanceof Uint8Array ? readExecution(body) : undefined;
      if (execution === undefined) {
        throw new PortolanError("invalid-argument", "the body is no call of a plugin", {
          advice: `send ${callType}: the plugin's type, variables as KEY=VALUE, and the input, parted by zeros`,
        });
      }
      const { status, output } = await answer(execution, controller.attachments);
      return reply
        .code(status === 0 ? 200 : failed)
        .type("application/json")
        .serializer((text: string) => text)
        .send(output);
    },
  );
}
