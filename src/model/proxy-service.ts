/**
 * The proxy, for as long as the process lives: tells it of endpoints whose ports need it, and has it serve while there are any. Before a caller has its answer, the
 * firewall leads to it. Where it cannot serve, an event and doctor tell; nothing else is the worse for it.
 */
import { isPortolanError, PortolanError } from "../errors.ts";
import { describeProxy } from "../firewall/proxied.ts";
import type { PortProxy, ProxiedEndpoint } from "../proxy/proxy.ts";
import type { KernelObject } from "../state/objects.ts";
import type { EndpointRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { driverOf, networkOf } from "./related.ts";
import type { Service } from "./service.ts";
import type { Problem } from "./types.ts";

/** Store record of the port at which the proxy served last. Whoever sends datagrams without a pause is led there by what the kernel tracks, whatever the firewall says. */
const portSetting = "proxy-port";
/**
 * Where another port is looked for, above those that the kernel gives to connections (ip(7), ip_local_port_range): who publishes, or listens, names ports below them. And how
 * often.
 */
const portRange = { first: 61_000, count: 4_536 } as const;
const tries = 32;
/** How long its sockets are kept when nobody needs them, milliseconds: the next port may be published soon. */
const rest = 2000;

export class ProxyService implements Service {
  readonly #context: Context;
  readonly #proxy: PortProxy;
  readonly #endpoints = new Set<string>();
  /** Where it serves. */
  #port: number | undefined;
  /** Where its sockets are while nobody is led to them, and what will close them. */
  #resting: { readonly port: number; readonly end: NodeJS.Timeout } | undefined;
  /** Where it serves first of all. */
  #favourite: number | undefined;
  /** Endpoints have come or gone since it was last looked whether it has to serve. */
  #hasNews = false;
  #failure: PortolanError | undefined;
  #work: Promise<void> = Promise.resolve();

  /** `settings` are those of the store at the start. */
  constructor(
    context: Context,
    proxy: PortProxy,
    settings: readonly { readonly id: string; readonly value: string }[],
  ) {
    this.#context = context;
    this.#proxy = proxy;
    const stored = settings.find(({ id }) => id === portSetting)?.value;
    this.#favourite = stored === undefined ? undefined : Number(stored);
  }

  async start(): Promise<void> {
    const { records, followers } = this.#context;
    this.#set([...records.endpoints.values()].map((one) => this.#proxied(one)));
    records.watch({
      endpoint: (before, after) => {
        if (after !== undefined) this.#set([this.#proxied(after)]);
        else if (before !== undefined) this.#remove(before.id);
      },
      sandbox: () => undefined,
    });
    followers.add(() => this.#follow());
    await this.#follow();
  }

  problems(): readonly Problem[] {
    if (this.#failure === undefined) return [];
    const { message, reason, advice } = this.#failure;
    return [
      {
        code: "proxy-not-serving",
        severity: "warning",
        title: "published ports are not reached by ::1, and those of sandboxes without IPv6 not by IPv6",
        detail: reason === undefined ? message : `${message}: ${reason}`,
        ...(advice !== undefined && { advice }),
      },
    ];
  }

  async close(): Promise<void> {
    for (const id of [...this.#endpoints]) this.#remove(id);
    await this.#follow();
    clearTimeout(this.#resting?.end);
    await this.#proxy.close();
  }

  #proxied(endpoint: EndpointRecord): ProxiedEndpoint {
    const { id, join, ports } = endpoint;
    if (join === undefined || ports === undefined) return { id, ports: [] };
    const network = networkOf(this.#context, endpoint);
    return { id, ports: driverOf(this.#context, network).proxied?.(network, endpoint) ?? [] };
  }

  #set(endpoints: readonly ProxiedEndpoint[]): void {
    for (const { id, ports } of endpoints) if (ports.length === 0) this.#remove(id);
    const proxied = endpoints.filter(({ ports }) => ports.length > 0);
    if (proxied.length === 0) return;
    for (const { id } of proxied) this.#endpoints.add(id);
    this.#hasNews = true;
    this.#proxy.setEndpoints(proxied);
  }

  #remove(id: string): void {
    if (!this.#endpoints.delete(id)) return;
    this.#hasNews = true;
    this.#proxy.removeEndpoint(id);
  }

  /** Has it serve, or serve no more, where that has changed. */
  #follow(): Promise<void> {
    if (!this.#hasNews) return this.#work;
    this.#hasNews = false;
    this.#work = this.#work.then(() => this.#catchUp());
    return this.#work;
  }

  async #catchUp(): Promise<void> {
    const isWanted = this.#endpoints.size > 0;
    if (isWanted === (this.#port !== undefined)) return;
    try {
      if (isWanted) await this.#begin();
      else await this.#end();
      this.#failure = undefined;
    } catch (error) {
      this.#refused(error);
    }
  }

  async #begin(): Promise<void> {
    const port = this.#resting?.port ?? (await this.#proxy.start(this.#candidates()));
    clearTimeout(this.#resting?.end);
    this.#resting = undefined;
    this.#port = port;
    if (port !== this.#favourite) {
      this.#favourite = port;
      const record = { id: portSetting, value: String(port) };
      this.#context.deferred.push({ op: "put", collection: "setting", record });
    }
    await this.#describe(describeProxy(port));
    this.#proxy.takeOver();
  }

  async #end(): Promise<void> {
    const port = this.#port;
    this.#port = undefined;
    await this.#describe(undefined);
    if (port === undefined) return;
    const end = setTimeout(() => {
      this.#work = this.#work.then(() => this.#stop());
    }, rest);
    this.#resting = { port, end: end.unref() };
  }

  /** Lets go of the sockets, where nobody came meanwhile. */
  async #stop(): Promise<void> {
    if (this.#resting === undefined) return;
    this.#resting = undefined;
    await this.#proxy.stop().catch((error: unknown) => this.#refused(error));
  }

  /** Says in the firewall where it serves, or that it does not. What cannot be said now, as while somebody flushes the ruleset, is there to be mended. */
  async #describe(elements: readonly KernelObject[] | undefined): Promise<void> {
    const { ledger, engine } = this.#context;
    const { plan, commit } = ledger.propose(new Map([["service:proxy", elements]]));
    await engine.apply(plan).catch(() => undefined);
    commit();
  }

  #candidates(): readonly number[] {
    const drawn = Array.from({ length: tries }, () => {
      const [high = 0, low = 0] = this.#context.random(2);
      return portRange.first + (((high << 8) | low) % portRange.count);
    });
    return [...new Set([...(this.#favourite === undefined ? [] : [this.#favourite]), ...drawn])];
  }

  #refused(error: unknown): void {
    // Then nobody comes by it either.
    if (isPortolanError(error, "unsupported")) return;
    const { events, now } = this.#context;
    this.#failure = isPortolanError(error)
      ? error
      : new PortolanError("internal", "the proxy does not serve", { cause: error });
    const attributes = { reason: this.#failure.reason ?? this.#failure.message };
    events.emit({ time: now(), type: "engine", action: "lose", id: "", name: "proxy", attributes });
  }
}
