/** Networks with published ports, and who answers at them. */
import { Chain, type ChainCall, routedBridge } from "./configuration.ts";
import { equal, expect } from "./expectation.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Place } from "./lab/place.ts";
import type { Container, Trial } from "./trial.ts";

const types = ["bridge", "host-local", "portmap"];
/** What a check of published ports needs. */
export const needs = { types, features: ["firewall"] } as const;
/** The same with IPv6. */
export const needs6 = { types, features: ["firewall", "ipv6"] } as const;
/** Where published ports are written down. */
export const portmap = "CONVENTIONS portMappings; reference portmap";

/** A network with published ports. */
export const network = (t: Trial, more: JsonObject = {}, bridge: JsonObject = {}, name = t.network): Chain =>
  new Chain(t, [routedBridge(t, bridge), { type: "portmap", capabilities: { portMappings: true }, ...more }], name);

/** A mapping as runtimes ask for it. */
export const mapping = (hostPort: number, containerPort: number, more: JsonObject = {}): JsonObject => ({
  hostPort,
  containerPort,
  protocol: "tcp",
  ...more,
});

/** Asks for mappings. */
export const asking = (...portMappings: readonly JsonObject[]): ChainCall => ({ capabilities: { portMappings } });

/** Somebody is answered by the right one; returns the address that the answerer sees. */
export const answered = async (
  from: Place,
  by: Place,
  address: string,
  port: number,
  protocol: "tcp" | "udp" = "tcp",
): Promise<string> => {
  const answer = await from.dial(protocol, address, port, { timeout: 3000 });
  expect(answer !== undefined, `${from.name} got no answer from ${protocol} ${address}:${port}`);
  equal(answer.name, by.name, `who answered at ${address}:${port}`);
  return answer.from;
};

/** Nobody answers. */
export const unanswered = async (
  from: Place,
  address: string,
  port: number,
  protocol: "tcp" | "udp" = "tcp",
): Promise<void> => {
  const answer = await from.dial(protocol, address, port, { timeout: 500 });
  expect(answer === undefined, `${answer?.name} answered at ${protocol} ${address}:${port}`);
};

/** One container that listens at 80 and publishes it as 8080. */
export const published = async (
  t: Trial,
  protocol: "tcp" | "udp",
  more: JsonObject = {},
): Promise<{
  readonly c: Container;
  readonly outside: Place;
  readonly host: Place;
  readonly chain: Chain;
  readonly result: Json;
}> => {
  const [c, outside, host] = [await t.container(), await t.outside(), t.atHost()];
  const chain = network(t);
  const result = await chain.add(c, asking(mapping(8080, 80, { protocol, ...more })));
  await c.listen(protocol, 80);
  return { c, outside, host, chain, result };
};
