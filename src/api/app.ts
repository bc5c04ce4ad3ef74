/** Portolan's HTTP API around a controller: the daemon serves it on its socket, a command without a daemon asks it in its own process. */
import type { NetworkController } from "../model/types.ts";
import { answerFailure, unknownRoute } from "./failures.ts";
import { prefix } from "./prefix.ts";
import { cniRoutes } from "./routes/cni.ts";
import { endpointRoutes } from "./routes/endpoints.ts";
import { engineRoutes } from "./routes/engine.ts";
import { eventRoutes } from "./routes/events.ts";
import { networkRoutes } from "./routes/networks.ts";
import { sandboxRoutes } from "./routes/sandboxes.ts";
import { namedSchemas } from "./schemas.ts";
import { type App, type AppOptions, makeServer } from "./server.ts";

/** Makes the app; the caller closes controller and app. */
export async function buildApp(controller: NetworkController, options: AppOptions): Promise<App> {
  const app = makeServer();
  // Answers are what the model says; their schemas are documentation.
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(answerFailure);
  app.setNotFoundHandler(unknownRoute);
  for (const schema of namedSchemas) app.addSchema(schema);
  await options.prepare?.(app);
  await app.register(
    async (scope: App) => {
      networkRoutes(scope, controller);
      sandboxRoutes(scope, controller);
      endpointRoutes(scope, controller);
      engineRoutes(scope, controller, options);
      eventRoutes(scope, controller);
      cniRoutes(scope, controller);
    },
    { prefix },
  );
  await app.ready();
  return app;
}
