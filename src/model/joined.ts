/** Endpoints in sandboxes, as their drivers describe them. */
import { describeAttachment, withSettings } from "../drivers/attachment/describe.ts";
import type { JoinDescription } from "../drivers/driver.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import type { Joined } from "./gateway.ts";
import { driverOf, networkOf } from "./related.ts";
import { staticRoutes } from "./static-routes.ts";

/** What an endpoint in a sandbox wants: what its driver makes of it, and its static routes. */
function describeJoin(context: Context, endpoint: EndpointRecord, { namespace }: SandboxRecord): JoinDescription {
  const network = networkOf(context, endpoint);
  const description = driverOf(context, network).describeJoin(network, endpoint, namespace);
  const { objects, ...gateways } = describeAttachment(endpoint, namespace);
  return {
    ...description,
    ...gateways,
    objects: withSettings([...description.objects, ...staticRoutes(endpoint, namespace), ...objects]),
  };
}

/** Endpoints in a sandbox with what their drivers make of them. */
export function joinedIn(
  context: Context,
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
): readonly Joined[] {
  return endpoints.map((endpoint) => ({
    endpoint,
    networkName: networkOf(context, endpoint).name,
    description: describeJoin(context, endpoint, sandbox),
  }));
}
