/** The OpenAPI document, made of the routes' own schemas. */
import swagger from "@fastify/swagger";
import { prefix } from "./prefix.ts";
import type { App } from "./server.ts";
import { version } from "./version.ts";

/** Adds the document to an app that has no routes yet, and its address. */
export async function addDocument(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Portolan",
        version: version(),
        description: "Networks, sandboxes and endpoints. Every error has the form `Error`; ask by its `code`.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/", description: "on the daemon's unix socket" }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (typeof json["$id"] === "string" ? json["$id"] : `def-${i}`),
    },
  });
  app.get(`${prefix}/openapi.json`, { schema: { hide: true } }, async () => app.swagger());
}
