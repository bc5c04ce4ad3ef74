/** Endpoints, as they are and as they come and go. */
import type { NetworkController } from "../../model/types.ts";
import { change, parseFilters } from "../changes.ts";
import {
  changeQuery,
  endpointInfo,
  endpointList,
  endpointStatistics,
  endpointStatisticsList,
  filtersQuery,
  joinSpec,
  portList,
  referenceParams,
} from "../schemas.ts";
import type { App } from "../server.ts";

const tags = ["endpoints"];

export function endpointRoutes(app: App, controller: NetworkController): void {
  app.get(
    "/endpoints",
    {
      schema: {
        tags,
        summary: "List endpoints",
        querystring: filtersQuery,
        response: { 200: endpointList },
      },
    },
    async ({ query }) => controller.endpoints(parseFilters(query.filters)),
  );
  app.get(
    "/endpoints/:reference",
    { schema: { tags, summary: "Show an endpoint", params: referenceParams, response: { 200: endpointInfo } } },
    async ({ params }) => controller.endpoint(params.reference).info(),
  );
  app.get(
    "/endpoints/:reference/statistics",
    {
      schema: {
        tags,
        summary: "Count what an endpoint has received and sent",
        params: referenceParams,
        response: { 200: endpointStatistics },
      },
    },
    async ({ params }) => controller.endpoint(params.reference).statistics(),
  );
  app.get(
    "/ports",
    {
      schema: {
        tags,
        summary: "List published ports, and whether each is held",
        querystring: filtersQuery,
        response: { 200: portList },
      },
    },
    async ({ query }) => controller.ports(parseFilters(query.filters)),
  );
  app.get(
    "/statistics",
    {
      schema: {
        tags,
        summary: "Count what endpoints have received and sent",
        querystring: filtersQuery,
        response: { 200: endpointStatisticsList },
      },
    },
    async ({ query }) => controller.statistics(parseFilters(query.filters)),
  );
  app.post(
    "/endpoints/:reference/join",
    {
      schema: {
        tags,
        summary: "Bring an endpoint into a sandbox",
        params: referenceParams,
        body: joinSpec,
        querystring: changeQuery,
        response: { 200: endpointInfo },
      },
    },
    async ({ params, body, query }, reply) =>
      change(query, reply, async (options) => {
        const { sandbox, ...spec } = body;
        const endpoint = controller.endpoint(params.reference);
        await endpoint.join(controller.sandbox(sandbox), spec, options);
        return endpoint.info();
      }),
  );
  app.post(
    "/endpoints/:reference/leave",
    {
      schema: {
        tags,
        summary: "Take an endpoint out of its sandbox",
        params: referenceParams,
        querystring: changeQuery,
        response: { 200: endpointInfo },
      },
    },
    async ({ params, query }, reply) =>
      change(query, reply, async (options) => {
        const endpoint = controller.endpoint(params.reference);
        await endpoint.leave(options);
        return endpoint.info();
      }),
  );
  app.delete(
    "/endpoints/:reference",
    {
      schema: {
        tags,
        summary: "Delete an endpoint; it leaves first",
        params: referenceParams,
        querystring: changeQuery,
      },
    },
    async ({ params, query }, reply) =>
      change(query, reply, async (options) => {
        await controller.disconnect(controller.endpoint(params.reference), options);
        return {};
      }),
  );
}
