/** Sandboxes. */
import type { NetworkController } from "../../model/types.ts";
import { change, parseFilters } from "../changes.ts";
import {
  changeQuery,
  filtersQuery,
  nameList,
  queryReport,
  referenceParams,
  sandboxInfo,
  sandboxList,
  sandboxSpec,
} from "../schemas.ts";
import type { App } from "../server.ts";

const tags = ["sandboxes"];

export function sandboxRoutes(app: App, controller: NetworkController): void {
  app.get(
    "/sandboxes",
    {
      schema: {
        tags,
        summary: "List sandboxes",
        querystring: filtersQuery,
        response: { 200: sandboxList },
      },
    },
    async ({ query }) => controller.sandboxes(parseFilters(query.filters)),
  );
  app.post(
    "/sandboxes",
    {
      schema: {
        tags,
        summary: "Create a sandbox",
        body: sandboxSpec,
        querystring: changeQuery,
        response: { 201: sandboxInfo },
      },
    },
    async ({ body, query }, reply) => {
      reply.code(201);
      return change(query, reply, async (options) => (await controller.createSandbox(body, options)).info());
    },
  );
  app.get(
    "/sandboxes/:reference",
    { schema: { tags, summary: "Show a sandbox", params: referenceParams, response: { 200: sandboxInfo } } },
    async ({ params }) => controller.sandbox(params.reference).info(),
  );
  app.get(
    "/sandboxes/:reference/names",
    {
      schema: {
        tags,
        summary: "List the names that a sandbox resolves by this engine's records",
        params: referenceParams,
        response: { 200: nameList },
      },
    },
    async ({ params }) => controller.sandbox(params.reference).names(),
  );
  app.get(
    "/sandboxes/:reference/queries",
    {
      schema: {
        tags,
        summary: "Show what became of a sandbox's last questions for names",
        params: referenceParams,
        response: { 200: queryReport },
      },
    },
    async ({ params }) => {
      const { queries, ...report } = await controller.sandbox(params.reference).queries();
      // A JSON number could not hold the time.
      return { ...report, queries: queries.map((query) => ({ ...query, time: String(query.time) })) };
    },
  );
  app.delete(
    "/sandboxes/:reference",
    {
      schema: {
        tags,
        summary: "Delete a sandbox with its endpoints",
        params: referenceParams,
        querystring: changeQuery,
      },
    },
    async ({ params, query }, reply) =>
      change(query, reply, async (options) => {
        await controller.sandbox(params.reference).delete(options);
        return {};
      }),
  );
}
