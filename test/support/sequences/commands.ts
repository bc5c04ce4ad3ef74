/** What a random sequence is made of: operations of the model on a handful of names, restarts, faults and damage. */
import fc from "fast-check";

/** Networks that sequences make, and two that are always there. */
export const networkNames = ["alpha", "beta", "gamma"] as const;
export const joinableNames = [...networkNames, "bridge", "none"] as const;
/** None of them is the beginning of an id. */
export const sandboxNames = ["web", "api", "shop"] as const;
export const endpointNames = ["one", "two", "three"] as const;

export type NetworkName = (typeof joinableNames)[number];
export type SandboxName = (typeof sandboxNames)[number];
/** Endpoints made by `connect` have the name of their sandbox. */
export type EndpointName = (typeof endpointNames)[number] | SandboxName;

export interface NetworkShape {
  readonly internal: boolean;
  readonly enableIpv6: boolean;
  /** A gateway mode, or its sandboxes kept apart; not every one goes with every network. */
  readonly reach?: "routed" | "nat-unprotected" | "isolated" | "apart";
  /** Length of a subnet of the network's own; absent: one is chosen. */
  readonly length?: 29 | 30;
}

/** What endpoints publish: fixed ports and rows, on all addresses and on one, and with a choice. Many of them exclude each other. */
export const publishWishes = [
  "8001:80",
  "8001-8002:80-81",
  "8002-8003:8002-8003",
  "8001-8003:80",
  "127.0.0.1:8001:80",
  "127.0.0.2:8001-8002:80",
  "8002:53/udp",
  "80",
  "0:53/udp",
] as const;
export type PublishWish = (typeof publishWishes)[number];

/** A further name of endpoints, which several may have. */
export const alias = "www";

/** What a sandbox is told about names, if it is. */
export const namesTold = {
  hostname: "told",
  nameservers: ["192.0.2.53"],
  extraHosts: ["db:192.0.2.7"],
  links: ["api:store"],
} as const;

/** Where the static route of an endpoint leads that has one: everywhere the same, so that a sandbox has it once. */
export const destination = "198.18.0.0/15";

/** One operation of the model. `routed`: with a static route; `aliased`: with the further name; `told`: with settings for names. `host` is the last part of a wanted address, counted from the subnet's own. */
export type Operation =
  | { readonly type: "create network"; readonly network: (typeof networkNames)[number]; readonly shape: NetworkShape }
  | { readonly type: "delete network"; readonly network: NetworkName }
  | { readonly type: "create sandbox"; readonly sandbox: SandboxName; readonly told?: boolean }
  | { readonly type: "delete sandbox"; readonly sandbox: SandboxName }
  | {
      readonly type: "create endpoint";
      readonly network: NetworkName;
      readonly endpoint: EndpointName;
      readonly host?: number;
      readonly publish?: readonly PublishWish[];
      readonly aliased?: boolean;
    }
  | { readonly type: "delete endpoint"; readonly network: NetworkName; readonly endpoint: EndpointName }
  | {
      readonly type: "join";
      readonly network: NetworkName;
      readonly endpoint: EndpointName;
      readonly sandbox: SandboxName;
      readonly priority: number;
      readonly routed?: boolean;
    }
  | { readonly type: "leave"; readonly network: NetworkName; readonly endpoint: EndpointName }
  | {
      readonly type: "connect";
      readonly network: NetworkName;
      readonly sandbox: SandboxName;
      readonly priority: number;
      readonly host?: number;
      readonly routed?: boolean;
      readonly publish?: readonly PublishWish[];
      readonly aliased?: boolean;
    }
  | { readonly type: "disconnect"; readonly network: NetworkName; readonly endpoint: EndpointName }
  | { readonly type: "prune" };

export type Command =
  | Operation
  /** The operation, with the change of that number failing; with a higher number than it has changes it succeeds. */
  | { readonly type: "fail"; readonly at: number; readonly operation: Operation }
  /** The operation, as far as its plan. */
  | { readonly type: "dry run"; readonly operation: Operation }
  | { readonly type: "restart" }
  /** Something of ours is taken away behind the engine's back, and the engine mends it. */
  | { readonly type: "damage"; readonly choice: number };

const network = fc.constantFrom(...joinableNames);
const sandbox = fc.constantFrom(...sandboxNames);
const endpoint = fc.constantFrom(...endpointNames, ...sandboxNames);
const priority = fc.constantFrom(0, 0, 1, -1);
const host = fc.integer({ min: 0, max: 9 });
const publish = fc.array(fc.constantFrom(...publishWishes), { minLength: 1, maxLength: 2 });
const shape: fc.Arbitrary<NetworkShape> = fc.record(
  {
    internal: fc.boolean(),
    enableIpv6: fc.boolean(),
    length: fc.constantFrom(29, 30),
    reach: fc.constantFrom("routed", "nat-unprotected", "isolated", "apart"),
  },
  { requiredKeys: ["internal", "enableIpv6"] },
);
const type = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: type("create network"), network: fc.constantFrom(...networkNames), shape }),
  },
  { weight: 1, arbitrary: fc.record({ type: type("delete network"), network }) },
  {
    weight: 4,
    arbitrary: fc.record(
      { type: type("create sandbox"), sandbox, told: fc.boolean() },
      { requiredKeys: ["type", "sandbox"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ type: type("delete sandbox"), sandbox }) },
  {
    weight: 3,
    arbitrary: fc.record(
      { type: type("create endpoint"), network, endpoint, host, publish, aliased: fc.boolean() },
      { requiredKeys: ["type", "network", "endpoint"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ type: type("delete endpoint"), network, endpoint }) },
  {
    weight: 3,
    arbitrary: fc.record(
      { type: type("join"), network, endpoint, sandbox, priority, routed: fc.boolean() },
      { requiredKeys: ["type", "network", "endpoint", "sandbox", "priority"] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ type: type("leave"), network, endpoint }) },
  {
    weight: 6,
    arbitrary: fc.record(
      { type: type("connect"), network, sandbox, priority, host, routed: fc.boolean(), publish, aliased: fc.boolean() },
      { requiredKeys: ["type", "network", "sandbox", "priority"] },
    ),
  },
  { weight: 2, arbitrary: fc.record({ type: type("disconnect"), network, endpoint }) },
  { weight: 1, arbitrary: fc.record({ type: type("prune") }) },
);

/** A sequence of commands. */
export const sequences: fc.Arbitrary<readonly Command[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Command>[]>(
    { weight: 12, arbitrary: operation },
    {
      weight: 2,
      arbitrary: fc.record({ type: type("fail"), at: fc.integer({ min: 1, max: 40 }), operation }),
    },
    { weight: 1, arbitrary: fc.record({ type: type("dry run"), operation }) },
    { weight: 1, arbitrary: fc.record({ type: type("restart") }) },
    { weight: 1, arbitrary: fc.record({ type: type("damage"), choice: fc.nat() }) },
  ),
  { minLength: 1, maxLength: 24, size: "max" },
);
