/**
 * What a network driver is: pure functions that describe. Nothing here asks the kernel or keeps state; what a choice depends
 * on arrives as a parameter, the same input gives the same objects. A new driver is one folder and one line in registry.ts.
 */
import type { Family, IpAddress } from "../address/ip.ts";
import type { MacAddress } from "../address/mac.ts";
import type { PortWish, ProxiedPort } from "../address/port.ts";

import type { Json } from "../json.ts";
import type { FeatureName, NamespaceFacts } from "../state/engine.ts";
import type { KernelObject, NamespaceRef } from "../state/objects.ts";
import type { EndpointRecord, NetworkRecord } from "../store/records.ts";
import type { EndpointSettings } from "./endpoint-options.ts";

/** What `configure` sees: the network as asked for, before it exists. */
export interface NetworkRequest extends Omit<NetworkRecord, "config" | "created"> {}

/** What the host looks like when a network is configured. */
export interface ConfigureContext {
  readonly host: NamespaceFacts;
  /** Every network there is, of all drivers: for exclusive names and parents. */
  readonly networks: readonly NetworkRecord[];
  /** What the maker of its endpoints has found by the network's options; present for drivers with {@link ExternalMaking}. */
  readonly found?: Json;
}

/** What an endpoint is asked for with where somebody else makes it. */
export interface EndpointWishes {
  readonly mac?: MacAddress;
  readonly ipv4?: IpAddress;
  readonly ipv6?: IpAddress;
  readonly aliases: readonly string[];
  readonly publish: readonly PortWish[];
}

/** What a driver says of endpoints that programs outside of the engine make and take away. The model has them do it, beside its own change. */
export interface ExternalMaking {
  /** What the maker of a network's endpoints is found by, of the network's options; throws `invalid-option`. */
  source(request: Pick<NetworkRequest, "name" | "options">): Json;
  /** What the maker is asked for an endpoint; throws `invalid-option` where the network's maker does not know of it. */
  ask(network: NetworkRecord, wishes: EndpointWishes): Readonly<Record<string, Json>>;
}

/** What joining means, as data. */
export interface JoinDescription {
  readonly objects: readonly KernelObject[];
  /** Default gateways that this endpoint offers; the model makes the routes of the endpoint that wins. */
  readonly gatewayIpv4?: IpAddress;
  readonly gatewayIpv6?: IpAddress;
  /** The gateways are on the link although no address says so. */
  readonly gatewaysOnLink?: true;
  /** Default routes by device, without a gateway address. */
  readonly defaultByLink?: boolean;
  /** Families whose default route is there with the endpoint and is nobody's to make. */
  readonly defaultsMade?: readonly Family[];
}

/** How the endpoints of a network publish ports. */
export interface Publishing {
  /** Families in which ports are opened at the endpoint's own address, and no port of the host leads to them. */
  readonly routed: readonly Family[];
  /** Address of the host for ports that name none; absent: the engine's default, or all of them. */
  readonly address?: IpAddress;
}

export interface Driver {
  readonly name: string;
  readonly scope: "local" | "global";
  /** How many networks of this driver may exist; host and none have one each. */
  readonly singleton: boolean;
  /** Whether networks of this driver have addresses of their own. */
  readonly addressed: boolean;
  /** Whether endpoints answer to names; absent: where networks have addresses. */
  readonly named?: boolean;
  /** Present where somebody outside of the engine makes the endpoints. */
  readonly external?: ExternalMaking;
  /** Names of the options understood, for refusals that name the nearest valid one. */
  readonly networkOptions: readonly string[];
  readonly endpointOptions: readonly string[];
  /** Kernel features that such a network needs. */
  requires(request: NetworkRequest): readonly FeatureName[];
  /** Checks the request and turns options into configuration; throws `invalid-option`, `invalid-argument`, `in-use`. */
  configure(request: NetworkRequest, context: ConfigureContext): Json;
  /** Configuration of a network on a host that is not as it was when the network was made, and what has changed; undefined where nothing has. */
  refresh?(network: NetworkRecord, host: NamespaceFacts): { readonly config: Json; readonly why: string } | undefined;
  /** Families in which the host has no gateway address in the network's subnet; none where the driver does not say. Throws `invalid-option`. */
  withoutGateway?(request: Pick<NetworkRequest, "options" | "internal">): readonly Family[];
  /** The link of the host on whose network such a network lies: addresses and routes that the host has there are not in the way of its subnets. */
  standsOn?(request: Pick<NetworkRequest, "options">): string | undefined;
  /** How endpoints of the network publish ports; undefined where they cannot. */
  publishing?(network: NetworkRecord): Publishing | undefined;
  /** Ports of an endpoint in a sandbox that a process has to lead to it for some clients; absent: none. */
  proxied?(network: NetworkRecord, endpoint: EndpointRecord): readonly ProxiedPort[];
  /** The objects that make a network true on this host. */
  describeNetwork(network: NetworkRecord): readonly KernelObject[];
  /** Reads an endpoint's options before addresses are given; throws `invalid-option`, `forbidden`. */
  readEndpoint(network: NetworkRecord, endpoint: Pick<EndpointRecord, "options" | "mac">): EndpointSettings;
  /** The link on which to ask who has an endpoint's addresses before it joins; undefined where nobody is asked. */
  duplicatesOn(network: NetworkRecord): { readonly namespace: NamespaceRef; readonly link: string } | undefined;
  /** MAC for an endpoint that asked for none, of 6 random bytes; undefined where the driver has no links of its own. */
  chooseMac(random: Uint8Array): EndpointRecord["mac"];
  /** Prefix of interface names inside a sandbox: `eth`. Ignored where the driver makes no links. */
  interfacePrefix(network: NetworkRecord): string;
  /** The objects that make an endpoint true in a sandbox; `endpoint.join` is present. */
  describeJoin(network: NetworkRecord, endpoint: EndpointRecord, namespace: NamespaceRef): JoinDescription;
}
