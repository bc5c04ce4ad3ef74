/** From an endpoint's specification to its record: name, MAC and addresses are settled here. */
import { portText } from "../address/port.ts";
import { PortolanError } from "../errors.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import { type GiveBack, takeAddresses } from "./addressing.ts";
import { type Context, newId, timestamp } from "./context.ts";
import { askMaker } from "./external.ts";
import { checkLinkLocal } from "./link-local.ts";
import type { EndpointWish } from "./parse.ts";
import { placePorts } from "./placing.ts";
import { takePorts } from "./publishing.ts";
import { driverOf } from "./related.ts";

/** How often a random MAC that is in use already is drawn again. */
const macTries = 100;

/** The record of a new endpoint. What it takes is put into `back`. Throws what drivers and IPAM throw, `exists` for its name or MAC. */
export async function prepareEndpoint(
  context: Context,
  network: NetworkRecord,
  wish: EndpointWish,
  back: GiveBack,
): Promise<EndpointRecord> {
  const object = `network "${network.name}"`;
  if (network.configOnly) {
    throw new PortolanError("forbidden", `network ${network.name} is configuration only: it has no endpoints`, {
      object,
      advice: "create a network from it (--config-from), and use that one",
    });
  }
  const id = newId(context);
  const name = wish.name ?? id.slice(0, 12);
  if (context.records.endpointNamed(network.id, name) !== undefined) {
    throw new PortolanError("exists", `endpoint with name ${name} already exists in network ${network.name}`, {
      object: `endpoint "${name}"`,
      advice: "choose another name, or disconnect that one first",
    });
  }
  const { aliases, linkLocal, options, labels } = wish;
  const driver = driverOf(context, network);
  const settings = driver.readEndpoint(network, { options, ...(wish.mac !== undefined && { mac: wish.mac }) });
  const { sysctls, exposed, nameservers } = settings;
  const publish = [...wish.publish, ...(settings.publish ?? [])];
  checkLinkLocal(context, network, linkLocal);
  const mac = takeMac(context, network, oneMac(network, wish.mac, settings.mac), back);
  const external = askMaker(context, network, { ...wish, ...(mac !== undefined && { mac }), publish });
  const addresses = external === undefined ? await takeAddresses(context, network, wish, back) : {};
  const { published, opened } = placePorts(
    network,
    driver.publishing?.(network),
    external === undefined ? publish : [],
    context.publishAddress,
  );
  const ports = await takePorts(context, network, name, published, back);
  return {
    id,
    name,
    networkId: network.id,
    created: timestamp(context),
    ...(mac !== undefined && { mac }),
    ...addresses,
    ...(linkLocal.length > 0 && { linkLocal }),
    aliases,
    ...(publish.length > 0 && { publish: publish.map(portText) }),
    ...(ports.length > 0 && { ports }),
    ...(opened.length > 0 && { opened }),
    ...(exposed !== undefined && { exposed }),
    ...(nameservers !== undefined && { nameservers }),
    ...(sysctls !== undefined && { sysctls }),
    ...(external !== undefined && { external }),
    options,
    labels,
  };
}

/** The MAC that is asked for, by whichever way; throws `invalid-argument` where the ways disagree. */
function oneMac(
  network: NetworkRecord,
  wanted: EndpointRecord["mac"],
  said: EndpointRecord["mac"],
): EndpointRecord["mac"] {
  if (wanted === undefined || said === undefined || wanted === said) return wanted ?? said;
  throw new PortolanError("invalid-argument", `the MAC address cannot be both ${wanted} and ${said}`, {
    object: `endpoint of network "${network.name}"`,
    advice: 'give it (--mac-address) or the option "com.docker.network.endpoint.macaddress"',
  });
}

function takeMac(
  context: Context,
  network: NetworkRecord,
  wanted: EndpointRecord["mac"],
  back: GiveBack,
): EndpointRecord["mac"] {
  const { records, reservedMacs } = context;
  const driver = driverOf(context, network);
  for (let tries = 0; tries < macTries; tries++) {
    const mac = wanted ?? driver.chooseMac(context.random(6));
    if (mac === undefined) return undefined;
    const key = `${network.id} ${mac}`;
    if (!records.hasMac(network.id, mac) && !reservedMacs.has(key)) {
      reservedMacs.add(key);
      back.push(async () => void reservedMacs.delete(key));
      return mac;
    }
    if (wanted !== undefined) break;
  }
  throw new PortolanError(
    "exists",
    `an endpoint of network ${network.name} has the MAC address ${wanted ?? "drawn"} already`,
    {
      object: `network "${network.name}"`,
      advice: "give another MAC address, or none",
    },
  );
}
