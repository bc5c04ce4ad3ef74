/**
 * Portolan as a library. `createController` opens an engine on this host; `openClient` asks a daemon where one listens, and an engine of this process's own
 * elsewhere.
 */
export type { InterfaceAddress, Subnet } from "./address/cidr.ts";
export type { IpAddress } from "./address/ip.ts";
export type { MacAddress } from "./address/mac.ts";
export { type CallOptions, type Client, type ClientOptions, connectClient, openClient } from "./api/client.ts";
export type { Driver } from "./drivers/driver.ts";
export { drivers } from "./drivers/registry.ts";
export { type ErrorCode, type ErrorJson, errorCodes, isPortolanError, PortolanError } from "./errors.ts";
export type { IpamDriver } from "./ipam/ipam.ts";
export { type FeatureName, type FeatureReport, features } from "./kernel/features.ts";
export { type ControllerOptions, createController } from "./model/controller.ts";
export type * from "./model/types.ts";
export type { Engine } from "./state/engine.ts";
export type { KernelObject } from "./state/objects.ts";
export type { Change, Plan } from "./state/plan-types.ts";
export { renderPlan } from "./state/render.ts";
export type { Store } from "./store/store.ts";
