/** The HTTP server's settings, and its type, which knows the schemas of its routes. */
import type {} from "@fastify/swagger"; // its types let routes have a summary
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastify from "fastify";

export interface AppOptions {
  readonly stateDir: string;
  readonly runDir: string;
  readonly publishAddress?: string;
  /** Called before there are routes: for whoever makes the OpenAPI document of them. */
  readonly prepare?: (app: App) => Promise<void>;
}

/** Largest request body, bytes. */
const bodyLimit = 1 << 20;

/** Makes a server without routes. */
export const makeServer = () =>
  fastify({
    bodyLimit,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, verbose: true } },
  }).withTypeProvider<TypeBoxTypeProvider>();

export type App = ReturnType<typeof makeServer>;
