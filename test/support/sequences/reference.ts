/** The model at its simplest: names and who is where, and what each operation does to them or why it cannot. */
import type { ErrorCode } from "../../../src/errors.ts";
import type { EndpointName, NetworkName, NetworkShape, Operation, PublishWish, SandboxName } from "./commands.ts";
import { type Allotted, allot, type HostPorts } from "./ports.ts";

export interface ReferenceNetwork {
  readonly shape: NetworkShape;
  readonly predefined: boolean;
}

export interface ReferenceEndpoint {
  readonly network: NetworkName;
  readonly name: EndpointName;
  /** Its IPv4 address, counted from the subnet's own, where the network has a subnet of its own. */
  host?: number;
  /** Its ports of the host; those of which any would do are noted when it is made. */
  ports: readonly Allotted[];
  readonly aliased: boolean;
  sandbox?: { readonly name: SandboxName; readonly priority: number; readonly routed: boolean };
}

/** Why an operation cannot be: codes of errors, any of which may be told. Empty: it can. */
export type Reasons = ReadonlySet<ErrorCode>;

const open: NetworkShape = { internal: false, enableIpv6: false };

export class Reference {
  readonly networks = new Map<NetworkName, ReferenceNetwork>([
    ["bridge", { shape: open, predefined: true }],
    ["none", { shape: open, predefined: true }],
  ]);
  /** Whether each was told about names. */
  readonly sandboxes = new Map<SandboxName, boolean>();
  readonly endpoints: ReferenceEndpoint[] = [];

  of(network: NetworkName): readonly ReferenceEndpoint[] {
    return this.endpoints.filter((one) => one.network === network);
  }

  in(sandbox: SandboxName): readonly ReferenceEndpoint[] {
    return this.endpoints.filter((one) => one.sandbox?.name === sandbox);
  }

  endpoint(network: NetworkName, name: EndpointName): ReferenceEndpoint | undefined {
    return this.of(network).find((one) => one.name === name);
  }

  /** Why an operation cannot be carried out now. */
  reasons(operation: Operation): Reasons {
    switch (operation.type) {
      case "create network": {
        const { internal, reach } = operation.shape;
        const contradictory = internal ? reach === "routed" || reach === "nat-unprotected" : reach === "isolated";
        return new Set([
          ...(this.networks.has(operation.network) ? ["exists" as const] : []),
          ...(contradictory ? ["invalid-option" as const] : []),
        ]);
      }
      case "delete network": {
        const there = this.networks.get(operation.network);
        if (there === undefined) return new Set(["not-found"]);
        if (there.predefined) return new Set(["forbidden"]);
        return new Set(this.of(operation.network).length > 0 ? ["in-use"] : []);
      }
      case "create sandbox":
        return new Set(this.sandboxes.has(operation.sandbox) ? ["exists"] : []);
      case "delete sandbox":
        return new Set(this.sandboxes.has(operation.sandbox) ? [] : ["not-found"]);
      case "create endpoint":
        return this.#endpointReasons(operation, operation.endpoint);
      case "connect": {
        if (!this.networks.has(operation.network) || !this.sandboxes.has(operation.sandbox))
          return new Set(["not-found"]);
        return this.#endpointReasons(operation, operation.sandbox).union(this.#companyReasons(operation));
      }
      case "join": {
        const there = this.endpoint(operation.network, operation.endpoint);
        if (there === undefined || !this.sandboxes.has(operation.sandbox)) return new Set(["not-found"]);
        if (there.sandbox !== undefined) return new Set(["in-use"]);
        return this.#companyReasons(operation);
      }
      case "leave":
        return new Set(
          this.endpoint(operation.network, operation.endpoint)?.sandbox === undefined ? ["not-found"] : [],
        );
      case "delete endpoint": {
        const there = this.endpoint(operation.network, operation.endpoint);
        if (there === undefined) return new Set(["not-found"]);
        return new Set(there.sandbox === undefined ? [] : ["in-use"]);
      }
      case "disconnect":
        return new Set(this.endpoint(operation.network, operation.endpoint) === undefined ? ["not-found"] : []);
      case "prune":
        return new Set();
    }
  }

  #endpointReasons({ network, host, publish }: NewEndpoint, name: EndpointName): Reasons {
    const there = this.networks.get(network);
    if (there === undefined) return new Set(["not-found"]);
    const reasons = new Set<ErrorCode>();
    if (this.endpoint(network, name) !== undefined) reasons.add("exists");
    const { length, reach } = there.shape;
    const hasGateway = reach !== "isolated";
    if (publish !== undefined) {
      if (network === "none" || there.shape.internal) reasons.add("forbidden");
      else if (this.#allotted(network, publish) === undefined) reasons.add("in-use");
    }
    if (length === undefined) {
      if (host !== undefined) reasons.add("invalid-argument");
      return reasons;
    }
    const size = 2 ** (32 - length);
    // Without its own, the broadcast and, where it has one, the gateway's address.
    if (host === undefined) {
      if (this.of(network).length >= size - (hasGateway ? 3 : 2)) reasons.add("pool-exhausted");
      return reasons;
    }
    if (host >= size || host === 0 || host === size - 1) reasons.add("address-outside").add("address-in-use");
    if ((host === 1 && hasGateway) || this.of(network).some((one) => one.host === host)) reasons.add("address-in-use");
    return reasons;
  }

  /** Published ports of all endpoints, in sandboxes or not. */
  get taken(): readonly HostPorts[] {
    return this.endpoints.flatMap(({ ports }) => ports.filter((port) => port !== undefined));
  }

  /** Where the host does not translate, no port of its own leads anywhere. */
  #allotted(network: NetworkName, publish: readonly PublishWish[] = []): readonly Allotted[] | undefined {
    return this.networks.get(network)?.shape.reach === "routed" ? [] : allot(publish, this.taken);
  }

  #companyReasons({
    network,
    sandbox,
    routed = false,
  }: Extract<Operation, { readonly type: "connect" | "join" }>): Reasons {
    const there = this.in(sandbox);
    const networks = there.map((one) => one.network);
    const reasons = new Set<ErrorCode>();
    if (networks.includes(network)) reasons.add("exists");
    if (routed && there.some((one) => one.sandbox?.routed)) reasons.add("exists");
    // It has no address that a route could go by.
    if (routed && network === "none") reasons.add("invalid-argument");
    if (networks.includes("none") || (network === "none" && networks.length > 0)) reasons.add("forbidden");
    return reasons;
  }

  /** Carries an operation out. */
  apply(operation: Operation): void {
    switch (operation.type) {
      case "create network":
        this.networks.set(operation.network, { shape: operation.shape, predefined: false });
        break;
      case "delete network":
        this.networks.delete(operation.network);
        break;
      case "create sandbox":
        this.sandboxes.set(operation.sandbox, operation.told ?? false);
        break;
      case "delete sandbox":
        this.#remove(this.in(operation.sandbox));
        this.sandboxes.delete(operation.sandbox);
        break;
      case "create endpoint":
        this.#add({ name: operation.endpoint, ...this.#made(operation) });
        break;
      case "connect": {
        const sandbox = placeOf(operation);
        this.#add({ name: operation.sandbox, ...this.#made(operation), sandbox });
        break;
      }
      case "join": {
        const there = this.endpoint(operation.network, operation.endpoint);
        if (there) there.sandbox = placeOf(operation);
        break;
      }
      case "leave":
        delete this.endpoint(operation.network, operation.endpoint)?.sandbox;
        break;
      case "delete endpoint":
      case "disconnect":
        this.#remove([this.endpoint(operation.network, operation.endpoint)]);
        break;
      case "prune":
        for (const [name, { predefined }] of this.networks)
          if (!predefined && this.of(name).length === 0) this.networks.delete(name);
    }
  }

  #made(operation: NewEndpoint): Omit<ReferenceEndpoint, "name"> {
    const { network, publish, aliased = false } = operation;
    return { network, ...hostOf(operation), ports: this.#allotted(network, publish) ?? [], aliased };
  }

  #add(endpoint: ReferenceEndpoint): void {
    this.endpoints.push(endpoint);
  }

  #remove(gone: readonly (ReferenceEndpoint | undefined)[]): void {
    for (const one of gone) if (one) this.endpoints.splice(this.endpoints.indexOf(one), 1);
  }

  /** What of the endpoints in sandboxes the names in a sandbox lead to: those of the networks that somebody made and it is in. */
  inSight(sandbox: SandboxName): readonly ReferenceEndpoint[] {
    const networks = new Set(this.in(sandbox).flatMap(({ network }) => (this.#hasNames(network) ? [network] : [])));
    return this.endpoints.filter((one) => one.sandbox !== undefined && networks.has(one.network));
  }

  #hasNames(network: NetworkName): boolean {
    return this.networks.get(network)?.predefined === false;
  }

  /** Network of the endpoint that gives a sandbox the default route of a family. */
  gateway(sandbox: SandboxName, family: 4 | 6): NetworkName | undefined {
    return this.in(sandbox)
      .filter(({ network }) => {
        const shape = this.networks.get(network)?.shape;
        return network !== "none" && shape?.internal === false && (family === 4 || shape.enableIpv6);
      })
      .toSorted(
        (a, b) => (b.sandbox?.priority ?? 0) - (a.sandbox?.priority ?? 0) || (a.network < b.network ? -1 : 1),
      )[0]?.network;
  }
}

type NewEndpoint = Extract<Operation, { readonly type: "create endpoint" | "connect" }>;

const placeOf = ({
  sandbox: name,
  priority,
  routed = false,
}: Extract<Operation, { readonly type: "connect" | "join" }>): NonNullable<ReferenceEndpoint["sandbox"]> => ({
  name,
  priority,
  routed,
});

const hostOf = ({ host }: NewEndpoint): { readonly host?: number } => (host === undefined ? {} : { host });
