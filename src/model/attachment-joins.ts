/** Containers of CNI's in networks of the engine's own: endpoints like all others, with names, published ports and a network driver. */
import { cidrFamily, parseSubnet, subnetOf } from "../address/cidr.ts";
import { type Family, familyOf, parseIp } from "../address/ip.ts";
import { isPortolanError, PortolanError } from "../errors.ts";
import type { AttachmentPart } from "../store/attachment.ts";
import type { EndpointRecord, NetworkRecord, SandboxRecord } from "../store/records.ts";
import { addressWrites, type GiveBack, giveBack } from "./addressing.ts";
import {
  endpointName,
  findAttachment,
  networkName,
  newSandbox,
  putEndpoint,
  putSandbox,
  tell,
} from "./attachment-records.ts";
import type { AttachmentKey } from "./attachment-types.ts";
import { holdContainer, refuseElsewhere, unheld } from "./attachments.ts";
import type { Context } from "./context.ts";
import { sandboxChange } from "./descriptions.ts";
import { prepareEndpoint } from "./endpoint-request.ts";
import { joinedRecord } from "./joining.ts";
import { createNetwork, deleteNetwork } from "./networks.ts";
import { parseEndpoint, parseJoin } from "./parse.ts";
import { refuseBusy } from "./publishing.ts";
import { transact, withSuppressed } from "./transact.ts";
import type { EndpointSpec, NetworkSpec } from "./types.ts";

/** Label of the networks that came with their first attachment and go with the last. */
const ownLabel = "portolan.cni";

/** Attaches a container to a network, which is made where there is none, and goes again where that fails; `part` is what is kept of the call. */
export async function joinNetwork(
  context: Context,
  key: AttachmentKey,
  namespace: `/${string}`,
  spec: NetworkSpec,
  endpoint: EndpointSpec,
  part: (endpoint: EndpointRecord) => AttachmentPart,
): Promise<EndpointRecord> {
  for (;;) {
    const { network, made } = await networkOfSpec(context, withSubnets(spec, endpoint));
    try {
      const joined = await holdContainer(context, key, namespace, network, async (sandbox) => {
        // It may have gone with its last endpoint while we waited.
        if (!context.records.networks.has(network.id)) return undefined;
        return joinHeld(context, key, network, sandbox ?? newSandbox(context, key, namespace), endpoint, part);
      });
      if (joined !== undefined) return joined;
    } catch (error) {
      if (!made) throw error;
      const suppressed: unknown[] = [];
      await forgetNetwork(context, spec.name).catch((failure: unknown) => suppressed.push(failure));
      throw withSuppressed(error, suppressed);
    }
  }
}

/** Prefix lengths of subnets that the engine chooses (ipam/default/pools.ts). */
const chosenLengths = { 4: 24, 6: 64 } as const satisfies Record<Family, number>;

/**
 * The network with a subnet for each address that is asked for, where the network says none of the family: a runtime that takes its only container out and in again
 * (podman network reload) asks for the address that it had, and the network went in between.
 */
function withSubnets(spec: NetworkSpec, { ipv4, ipv6 }: EndpointSpec): NetworkSpec {
  const pools = spec.ipam?.pools ?? [];
  const families = new Set(
    pools.flatMap(({ subnet }) => (subnet === undefined ? [] : cidrFamily(parseSubnet(subnet)))),
  );
  const asked = [ipv4, spec.enableIpv6 ? ipv6 : undefined].flatMap((text) => (text === undefined ? [] : parseIp(text)));
  const missing = asked.filter((address) => !families.has(familyOf(address)));
  if (missing.length === 0) return spec;
  const more = missing.map((address) => ({ subnet: subnetOf(address, chosenLengths[familyOf(address)]) }));
  return { ...spec, ipam: { ...spec.ipam, pools: [...pools, ...more] } };
}

/** The network of that name, made where there is none. Throws `exists` where it has another driver. */
async function networkOfSpec(
  context: Context,
  spec: NetworkSpec,
): Promise<{ readonly network: NetworkRecord; readonly made: boolean }> {
  const { driver = "bridge" } = spec;
  let made = false;
  for (;;) {
    const found = context.records.networkNamed(spec.name);
    if (found !== undefined && found.driver !== driver) {
      throw new PortolanError("exists", `network ${spec.name} is one of the driver ${found.driver}, not ${driver}`, {
        object: `network "${spec.name}"`,
        advice: "give the network's own driver, or another name",
      });
    }
    if (found !== undefined) return { network: found, made };
    try {
      await createNetwork(context, { ...spec, labels: { [ownLabel]: "network" } }, {});
      made = true;
    } catch (error) {
      // Another attachment made it.
      if (!isPortolanError(error, "exists")) throw error;
    }
  }
}

async function joinHeld(
  context: Context,
  key: AttachmentKey,
  network: NetworkRecord,
  sandbox: SandboxRecord,
  spec: EndpointSpec,
  part: (endpoint: EndpointRecord) => AttachmentPart,
): Promise<EndpointRecord> {
  const { records, names } = context;
  const known = records.sandboxes.get(sandbox.id);
  const before = findAttachment(context, key);
  refuseElsewhere(key, before, known);
  if (before !== undefined) {
    throw new PortolanError("exists", `container ${key.containerId} is attached to network ${key.network} already`, {
      object: `attachment ${endpointName(key)}`,
      advice: "DEL comes before another ADD",
    });
  }
  const company = records.endpointsOfSandbox(sandbox.id);
  const wish = parseEndpoint(spec);
  const back: GiveBack = [];
  if (known === undefined) {
    // Its endpoints' descriptions ask for it.
    records.putSandbox(sandbox);
    back.push(async () => records.deleteSandbox(sandbox));
  }
  try {
    const publish = unheld(context, company, wish.publish);
    // A runtime asks for the address that it was given before (podman network reload).
    const own = { name: endpointName(key), publish, anySubnet: true };
    const prepared = await prepareEndpoint(context, network, { ...wish, ...own }, back);
    await refuseBusy(context, prepared.ports ?? [], sandbox.namespace);
    const join = parseJoin({ interfaceName: key.interfaceName, gatewayPriority: -company.length });
    const bare = await joinedRecord(context, prepared, sandbox, join);
    const endpoint = { ...bare, attachment: { containerId: key.containerId, parts: [part(bare)] } };
    names?.prepare(sandbox, [...company, endpoint]);
    await transact(
      context,
      {
        operation: "attach",
        direction: "undo",
        descriptions: sandboxChange(context, sandbox, company, [...company, endpoint]),
        writes: [
          ...(known === undefined ? [putSandbox(sandbox)] : []),
          putEndpoint(endpoint),
          ...addressWrites(network, endpoint, "put"),
        ],
        unwrites: [],
        remember: () => records.putEndpoint(endpoint),
      },
      {},
    );
    context.reservedMacs.delete(`${network.id} ${endpoint.mac}`);
    tell(context, "connect", endpoint, network, sandbox);
    await names?.ready(sandbox.id);
    return endpoint;
  } catch (error) {
    names?.refresh(sandbox.id);
    await giveBack(back);
    throw error;
  }
}

/** Lets networks go that came with an attachment, once their last endpoint has gone, be it with its sandbox. */
export async function forgetNetwork(context: Context, name: string): Promise<void> {
  for (const own of [networkName(name), name]) {
    const network = context.records.networkNamed(own);
    if (network === undefined || context.records.endpointCount(network.id) > 0) continue;
    if (network.driver !== "attachment" && network.labels[ownLabel] === undefined) continue;
    try {
      await deleteNetwork(context, network.id, {});
    } catch (error) {
      // Somebody came to use it, or took it away, meanwhile.
      if (!isPortolanError(error, "in-use") && !isPortolanError(error, "not-found")) throw error;
    }
  }
}
