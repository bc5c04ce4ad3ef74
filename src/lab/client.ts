/**
 * What the lab asks of an engine, over a daemon's socket or in its own process: the part of Portolan's client that it uses.
 */
import type {
  EndpointInfo,
  EndpointSpec,
  Filters,
  JoinSpec,
  NetworkInfo,
  NetworkSpec,
  SandboxInfo,
  SandboxSpec,
} from "../model/types.ts";

export interface LabClient extends AsyncDisposable {
  networks(filters: Filters): Promise<readonly NetworkInfo[]>;
  sandboxes(filters: Filters): Promise<readonly SandboxInfo[]>;
  createNetwork(spec: NetworkSpec): Promise<NetworkInfo>;
  deleteNetwork(reference: string): Promise<void>;
  createSandbox(spec: SandboxSpec): Promise<SandboxInfo>;
  deleteSandbox(reference: string): Promise<void>;
  /** Creates an endpoint and joins it; network and sandbox by name or id. */
  connect(network: string, sandbox: string, spec: EndpointSpec & JoinSpec): Promise<EndpointInfo>;
  /** Leaves and deletes an endpoint, by id. */
  disconnect(endpoint: string): Promise<void>;
}
