/** From a network's specification to its record: everything that is decided before the network exists. */
import { addressOf, interfaceAddress, lengthOf, subnetOf } from "../address/cidr.ts";
import { type Family, familyOf } from "../address/ip.ts";
import type { Driver, NetworkRequest } from "../drivers/driver.ts";
import { familyOptions, readBoolean } from "../drivers/options.ts";
import { driverNamed } from "../drivers/registry.ts";
import { PortolanError } from "../errors.ts";
import type { PoolRequest } from "../ipam/ipam.ts";
import { features } from "../kernel/features.ts";
import type { FeatureName, NamespaceFacts } from "../state/engine.ts";
import type { NetworkPool, NetworkRecord } from "../store/records.ts";
import { type GiveBack, ipamNamed, takePool } from "./addressing.ts";
import { type Context, newId, timestamp } from "./context.ts";
import { findMaker } from "./external.ts";
import { type PoolWish, parsePool, parseTexts } from "./parse.ts";
import { isPredefined } from "./predefined.ts";
import type { NetworkSpec } from "./types.ts";

/** Everything that is decided before the network exists. What it takes from IPAM is put into `back`. */
export async function prepareNetwork(
  context: Context,
  name: string,
  given: NetworkSpec,
  back: GiveBack,
): Promise<NetworkRecord> {
  const spec = withConfiguration(context, given);
  const driver = driverNamed(spec.driver ?? "bridge", context.drivers);
  if (driver.singleton && [...context.records.networks.values()].some((other) => other.driver === driver.name)) {
    throw new PortolanError("forbidden", `only one instance of "${driver.name}" network is allowed`, {
      object: `network "${name}"`,
      advice: `use the network "${driver.name}"`,
    });
  }
  const base = {
    id: newId(context),
    name,
    driver: driver.name,
    created: timestamp(context),
    scope: driver.scope,
    internal: spec.internal ?? false,
    attachable: spec.attachable ?? false,
    ingress: false,
    configOnly: spec.configOnly ?? false,
    ...(spec.configFrom !== undefined && { configFrom: spec.configFrom }),
    ...familiesOf(driver, spec),
    options: parseTexts("option", spec.options),
    labels: parseTexts("label", given.labels),
  };
  const ipam = {
    driver: spec.ipam?.driver ?? (driver.addressed ? "default" : "null"),
    options: parseTexts("IPAM option", spec.ipam?.options),
  };
  ipamNamed(context, ipam.driver);
  const wishes = (spec.ipam?.pools ?? []).map(parsePool);
  if (base.configOnly) return { ...base, ipam: { ...ipam, pools: unheldPools(wishes) }, config: {} };
  if (!driver.addressed && wishes.length > 0) {
    throw new PortolanError("invalid-argument", `a ${driver.name} network has no subnets`, {
      object: `network "${name}"`,
      advice: "leave the subnet out",
    });
  }
  // The predefined ones are there on every kernel; what it can do is asked when the first endpoint comes.
  if (!isPredefined({ name }))
    await checkFeatures(context, name, driver.requires({ ...base, ipam: { ...ipam, pools: [] } }));
  const found = await findMaker(context, driver, base);
  const host = await context.engine.facts("host");
  const gatewayless = driver.withoutGateway?.(base) ?? [];
  const own = driver.standsOn?.(base);
  const inTheWay = takenBy(context, own === undefined ? host : withoutLink(host, own));
  const pools = driver.addressed ? await takePools(base, ipam, wishes, gatewayless, { context, inTheWay }, back) : [];
  const request: NetworkRequest = { ...base, ipam: { ...ipam, pools } };
  const config = driver.configure(request, { host, networks: [...context.records.networks.values()], ...found });
  return { ...request, created: base.created, config };
}

/** The families that a network has: said by fields of the request, or by options of the same meaning. Throws `invalid-option`. */
function familiesOf(
  { addressed, networkOptions }: Driver,
  { enableIpv4, enableIpv6, options = {} }: NetworkSpec,
): Pick<NetworkRecord, "enableIpv4" | "enableIpv6"> {
  const said = (family: Family): boolean | undefined => {
    const key = familyOptions[family];
    const text = networkOptions.includes(key) ? options[key] : undefined;
    return text === undefined ? undefined : readBoolean(text, key);
  };
  return {
    enableIpv4: addressed && (enableIpv4 ?? said(4) ?? true),
    enableIpv6: addressed && (enableIpv6 ?? said(6) ?? false),
  };
}

/** Settings of a configuration-only network are kept as they were asked for; nothing is held for it. */
function unheldPools(wishes: readonly PoolWish[]): readonly NetworkPool[] {
  return wishes.flatMap(({ subnet, ipRange, gateway, auxAddresses }) =>
    subnet === undefined
      ? []
      : [
          {
            poolId: "",
            subnet,
            ...(ipRange !== undefined && { ipRange }),
            ...(gateway !== undefined && { gateway: interfaceAddress(gateway, lengthOf(subnet)) }),
            auxAddresses,
            chosenByUser: true,
          },
        ],
  );
}

/** Throws `unsupported` where the kernel cannot do what is required. */
export async function checkFeatures(context: Context, name: string, required: readonly FeatureName[]): Promise<void> {
  const report = await context.engine.features();
  const missing = required.find((feature) => report[feature].state === "no");
  if (missing === undefined) return;
  const answer = report[missing];
  throw new PortolanError("unsupported", `this kernel lacks ${features[missing].meaning}`, {
    object: `network "${name}"`,
    ...("reason" in answer && { reason: answer.reason }),
    advice: `use a kernel with ${features[missing].option}; \`portolan doctor\` lists what this one can do`,
  });
}

/** What the host uses at this moment. */
function takenBy({ hostNames }: Context, { addresses, routes }: NamespaceFacts): PoolRequest["taken"] {
  return [
    ...addresses.map(({ subnet, link, address }) => ({ subnet, what: `address ${address} of ${link}` })),
    ...routes.map(({ destination, link }) => ({
      subnet: destination,
      what: `route ${destination}${link === undefined ? "" : ` by ${link}`}`,
    })),
    ...hostNames.current.nameservers.map((address) => ({
      subnet: subnetOf(address, familyOf(address) === 4 ? 32 : 128),
      what: `nameserver ${address}`,
    })),
  ];
}

/** What the host has but by one link. */
const withoutLink = (host: NamespaceFacts, own: string): NamespaceFacts => ({
  ...host,
  addresses: host.addresses.filter(({ link }) => link !== own),
  routes: host.routes.filter(({ link }) => link !== own),
});

/** Takes the pools asked for, and one of each family that is enabled and was not asked for. */
async function takePools(
  { enableIpv4, enableIpv6, name }: Pick<NetworkRecord, "enableIpv4" | "enableIpv6" | "name">,
  ipam: { readonly driver: string; readonly options: Readonly<Record<string, string>> },
  wishes: readonly PoolWish[],
  gatewayless: readonly Family[],
  { context, inTheWay }: { readonly context: Context; readonly inTheWay: PoolRequest["taken"] },
  back: GiveBack,
): Promise<readonly NetworkPool[]> {
  const families = [...(enableIpv4 ? [4 as const] : []), ...(enableIpv6 ? [6 as const] : [])];
  const unwanted = wishes.find(({ family, subnet }) => subnet !== undefined && !families.includes(family));
  if (unwanted !== undefined) {
    throw new PortolanError(
      "invalid-argument",
      `the network has no IPv${unwanted.family} for the subnet ${unwanted.subnet}`,
      {
        object: `network "${name}"`,
        advice: `enable IPv${unwanted.family}${unwanted.family === 6 ? " (--ipv6)" : ""}, or leave the subnet out`,
      },
    );
  }
  const asked = wishes.filter(({ subnet }) => subnet !== undefined);
  const chosen = families
    .filter((family) => !asked.some((wish) => wish.family === family))
    .map((family): PoolWish => ({ family, auxAddresses: {} }));
  const driver = ipamNamed(context, ipam.driver);
  const pools: NetworkPool[] = [];
  for (const wish of [...chosen, ...asked].toSorted((a, b) => a.family - b.family)) {
    const gateway = gatewayless.includes(wish.family) ? "none" : wish.gateway;
    if (gateway === "none" && wish.gateway !== undefined) {
      throw new PortolanError(
        "invalid-argument",
        `the network has no IPv${wish.family} gateway to be ${wish.gateway}`,
        {
          object: `network "${name}"`,
          reason: "its options say that the host has no address in it",
          advice: "leave the gateway out, or the option that the network is to be isolated",
        },
      );
    }
    const pool = await takePool(driver, { ...wish, gateway }, ipam.options, inTheWay, back);
    if (pool !== undefined) pools.push(pool);
  }
  return pools;
}

/** A specification with the settings of the configuration-only network that it names. Throws `not-found`, `invalid-argument`. */
function withConfiguration(context: Context, spec: NetworkSpec): NetworkSpec {
  if (spec.configFrom === undefined) return spec;
  const object = `network "${spec.name}"`;
  const source = context.records.networkNamed(spec.configFrom);
  if (source === undefined) {
    throw new PortolanError("not-found", `network ${spec.configFrom} not found`, {
      object,
      advice: "create the configuration network first (--config-only)",
    });
  }
  if (!source.configOnly || spec.configOnly) {
    const reason = spec.configOnly
      ? "a configuration network has settings of its own"
      : `${source.name} is not configuration only`;
    throw new PortolanError("invalid-argument", `network ${spec.name} cannot take its settings from ${source.name}`, {
      object,
      reason,
      advice: "name a network made with --config-only",
    });
  }
  if (spec.ipam !== undefined || Object.keys(spec.options ?? {}).length > 0 || spec.enableIpv6 !== undefined) {
    throw new PortolanError(
      "invalid-argument",
      "user specified configurations are not supported if the network depends on a configuration network",
      {
        object,
        advice: `leave subnets, options and IPv6 out, or leave ${source.name} out`,
      },
    );
  }
  return {
    ...spec,
    enableIpv4: source.enableIpv4,
    enableIpv6: source.enableIpv6,
    options: source.options,
    ipam: {
      driver: source.ipam.driver,
      options: source.ipam.options,
      pools: source.ipam.pools.map(({ subnet, ipRange, gateway, auxAddresses }) => ({
        subnet,
        ...(ipRange !== undefined && { ipRange }),
        ...(gateway !== undefined && { gateway: addressOf(gateway) }),
        auxAddresses,
      })),
    },
  };
}
