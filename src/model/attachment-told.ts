/** What is told of an attachment in a network of the engine's own. */
import { linkKey } from "../state/kind.ts";
import type { EndpointRecord } from "../store/records.ts";
import type { Told } from "./attachment-types.ts";
import type { Context } from "./context.ts";
import { endpointOwner } from "./descriptions.ts";
import { joinedIn } from "./joined.ts";
import { hasNames } from "./naming.ts";
import { networkOf } from "./related.ts";

/** What Ethernet's links have where nothing is said, bytes. */
const usualMtu = 1500;

export function told(context: Context, endpoint: EndpointRecord): Told {
  const { ledger, records } = context;
  const sandbox = endpoint.join && records.sandboxes.get(endpoint.join.sandboxId);
  const [joined] = sandbox === undefined ? [] : joinedIn(context, sandbox, [endpoint]);
  const { gatewayIpv4, gatewayIpv6 } = joined?.description ?? {};
  const link = ledger.of(endpointOwner(endpoint.id)).find((object) => object.kind === "link");
  const mtu = link?.mtu ?? usualMtu;
  const shared = link?.master === undefined ? undefined : ledger.get(linkKey("host", link.master));
  const master = shared?.kind === "link" ? [shared] : [];
  const own = link?.namespace === "host" ? [link] : [];
  return {
    onHost: [...master, ...own].map(({ name, mac }) => ({ name, ...(mac !== undefined && { mac }), mtu })),
    ...(link !== undefined && { mtu }),
    gateways: [gatewayIpv4, gatewayIpv6].filter((one) => one !== undefined),
    names: context.names !== undefined && hasNames(context, networkOf(context, endpoint)),
  };
}
