/** Networks, and endpoints made in them. */
import type { NetworkController, NetworkSpec } from "../../model/types.ts";
import { change, parseFilters } from "../changes.ts";
import {
  changeQuery,
  endpointInfo,
  endpointSpec,
  filteredChangeQuery,
  filtersQuery,
  networkInfo,
  networkList,
  networkSpec,
  referenceParams,
} from "../schemas.ts";
import type { App } from "../server.ts";

const tags = ["networks"];

export function networkRoutes(app: App, controller: NetworkController): void {
  app.get(
    "/networks",
    {
      schema: { tags, summary: "List networks", querystring: filtersQuery, response: { 200: networkList } },
    },
    async ({ query }) => controller.networks(parseFilters(query.filters)),
  );
  app.post(
    "/networks",
    {
      schema: {
        tags,
        summary: "Create a network",
        body: networkSpec,
        querystring: changeQuery,
        response: { 201: networkInfo },
      },
    },
    async ({ body, query }, reply) => {
      reply.code(201);
      // The schema is the specification's own form.
      const spec = body as NetworkSpec;
      return change(query, reply, async (options) => (await controller.createNetwork(spec, options)).info());
    },
  );
  app.post(
    "/networks/prune",
    {
      schema: {
        tags,
        summary: "Delete networks without endpoints; answers those that went",
        querystring: filteredChangeQuery,
        response: { 200: networkList },
      },
    },
    async ({ query }, reply) =>
      change(query, reply, (options) => controller.pruneNetworks(parseFilters(query.filters), options)),
  );
  app.get(
    "/networks/:reference",
    { schema: { tags, summary: "Show a network", params: referenceParams, response: { 200: networkInfo } } },
    async ({ params }) => controller.network(params.reference).info(),
  );
  app.delete(
    "/networks/:reference",
    { schema: { tags, summary: "Delete a network", params: referenceParams, querystring: changeQuery } },
    async ({ params, query }, reply) =>
      change(query, reply, async (options) => {
        await controller.network(params.reference).delete(options);
        return {};
      }),
  );
  app.post(
    "/networks/:reference/endpoints",
    {
      schema: {
        tags,
        summary: "Create an endpoint; with `sandbox` it is joined in the same step",
        params: referenceParams,
        body: endpointSpec,
        querystring: changeQuery,
        response: { 201: endpointInfo },
      },
    },
    async ({ params, body, query }, reply) => {
      reply.code(201);
      return change(query, reply, async (options) => {
        const { sandbox, ...spec } = body;
        const network = controller.network(params.reference);
        const made =
          sandbox === undefined
            ? network.createEndpoint(spec, options)
            : controller.connect(network, controller.sandbox(sandbox), spec, options);
        return (await made).info();
      });
    },
  );
}
