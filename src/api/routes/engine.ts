/** The engine itself: who it is, whether all is well, self-check. */
import { readFileSync } from "node:fs";
import type { NetworkController } from "../../model/types.ts";
import { change } from "../changes.ts";
import { changeQuery, engineInfo } from "../schemas.ts";
import type { App, AppOptions } from "../server.ts";
import { version } from "../version.ts";

const tags = ["engine"];

/** The OpenAPI document; scripts/api-docs.ts makes it of the routes, and a test sees that it is current. */
const document = new URL("../../../docs/openapi.json", import.meta.url);

export function engineRoutes(
  app: App,
  controller: NetworkController,
  { stateDir, runDir, publishAddress }: AppOptions,
): void {
  app.get("/info", { schema: { tags, summary: "Who answers", response: { 200: engineInfo } } }, async () => ({
    version: version(),
    pid: process.pid,
    stateDir,
    runDir,
    ...(publishAddress !== undefined && { publishAddress }),
  }));
  app.get("/openapi.json", { schema: { hide: true } }, async (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(readFileSync(document)),
  );
  app.get(
    "/doctor",
    { schema: { tags, summary: "What this kernel can do, and what is not as it should be" } },
    async () => controller.doctor(),
  );
  app.post(
    "/reconcile",
    { schema: { tags, summary: "Compare the kernel with what is described and mend it", querystring: changeQuery } },
    async ({ query }, reply) =>
      change(query, reply, async (options) => ({ changes: (await controller.reconcile(options)).plan.length })),
  );
}
