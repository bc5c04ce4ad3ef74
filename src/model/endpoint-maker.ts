/** Who makes endpoints that drivers do not describe: programs outside of the engine, which the model has executed. */
import type { InterfaceAddress } from "../address/cidr.ts";
import type { MacAddress } from "../address/mac.ts";
import type { Json } from "../json.ts";
import type { DepartureRecord, NetworkRecord } from "../store/records.ts";

/** An endpoint as its maker knows it. */
export type MakersEndpoint = Pick<DepartureRecord, "sandboxId" | "namespace" | "interfaceName" | "asked"> & {
  readonly network: Pick<NetworkRecord, "name" | "config">;
};

/** What was made. */
export interface MadeEndpoint {
  readonly mac?: MacAddress;
  /** In the maker's order, with the prefix lengths of their subnets. */
  readonly addresses: readonly InterfaceAddress[];
}

/** Makes endpoints and takes them away. */
export interface EndpointMaker {
  /** What a network's endpoints will be made by, found by what its driver says (`ExternalMaking.source`); for the driver to configure it by. Throws what is wrong with it. */
  find(source: Json, signal: AbortSignal | undefined): Promise<Json>;
  /** Makes an endpoint's interface. What fails is undone; where that failed as well, the error has `suppressed` ones. */
  make(endpoint: MakersEndpoint, signal: AbortSignal | undefined): Promise<MadeEndpoint>;
  /** Takes it away, whatever is left of it; no error where nothing is. */
  takeAway(endpoint: MakersEndpoint): Promise<void>;
}
