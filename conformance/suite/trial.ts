/** What a check works with: a host of its own, names of its own, and plugins called as a container runtime calls them. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, short } from "./expectation.ts";
import { at, isObject, type Json, type JsonObject, parse, text } from "./json.ts";
import type { Host } from "./lab/host.ts";
import { Place } from "./lab/place.ts";
import type { Outcome } from "./lab/process.ts";
import { Recorder } from "./lab/recorder.ts";
import type { PluginDirectory } from "./plugins.ts";
import type { Version } from "./versions.ts";

/** A command of the protocol. */
export type Command = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** What a call has beside its configuration. */
export interface Call {
  /** Plugin type; the configuration's where left out. */
  readonly type?: string;
  readonly ifname?: string;
  /** CNI_ARGS */
  readonly args?: string;
  /** Variables to set, or to leave out where undefined. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** An error as a plugin reports it. */
export interface Refusal {
  readonly code: number;
  readonly msg: string;
  readonly details: string;
  /** The whole object. */
  readonly object: JsonObject;
}

/** A container: a namespace that the runtime made, and the id that it has there. */
export class Container extends Place {
  readonly id: string;

  constructor(host: Host, id: string) {
    super(host, id, `/run/netns/${id}`);
    this.id = id;
  }

  /** Takes the namespace away, as a runtime does when a container ends. */
  async vanish(): Promise<void> {
    this.quiet();
    await this.host.shell(`ip netns delete ${this.id}`);
  }
}

/** One run of one check. */
export class Trial {
  readonly host: Host;
  readonly plugins: PluginDirectory;
  /** The protocol version that the check's plugins have in common, or that the check is about. */
  readonly version: Version;
  /** A network name that no other check has. */
  readonly network: string;
  /** A directory of the check's own. */
  readonly directory: string;
  readonly #number: number;
  readonly #places: Place[] = [];
  readonly #recorders: Recorder[] = [];
  readonly #undone: (() => Promise<unknown>)[] = [];
  #containers = 0;

  constructor(host: Host, plugins: PluginDirectory, version: Version, number: number, work: string) {
    this.host = host;
    this.plugins = plugins;
    this.version = version;
    this.network = `net${number}`;
    this.directory = join(work, `check-${number}`);
    this.#number = number;
    mkdirSync(this.directory, { recursive: true });
  }

  /** A new container. */
  async container(id = `c${this.#number}x${++this.#containers}`): Promise<Container> {
    await this.host.shell(`ip netns add ${id} && ip -n ${id} link set lo up`);
    const container = new Container(this.host, id);
    this.#places.push(container);
    return container;
  }

  /** Several new containers. */
  async containers(count: number): Promise<readonly Container[]> {
    return Promise.all(Array.from({ length: count }, () => this.container()));
  }

  /** A place for peers on the host itself. */
  atHost(): Place {
    const place = new Place(this.host, "host");
    this.#places.push(place);
    return place;
  }

  /** A machine beside the host: 192.0.2.2 and 2001:db8:ffff::2, with the host as its way to everything else. The host is 192.0.2.1. */
  async outside(): Promise<Place> {
    await this.host.shell(`ip netns add outside
ip link add up0 type veth peer name eth0 netns outside
ip address add 192.0.2.1/24 dev up0
ip -6 address add 2001:db8:ffff::1/64 dev up0 nodad || true
ip link set up0 up
ip -n outside link set lo up
ip -n outside address add 192.0.2.2/24 dev eth0
ip -n outside -6 address add 2001:db8:ffff::2/64 dev eth0 nodad || true
ip -n outside link set eth0 up
ip -n outside route add default via 192.0.2.1
ip -n outside -6 route add default via 2001:db8:ffff::1 || true
ip route add default via 192.0.2.2`);
    const place = new Place(this.host, "outside", "/run/netns/outside");
    this.#places.push(place);
    return place;
  }

  /** An IPv4 subnet that no other check has: "10.x.INDEX.0/24". */
  subnet(index = 0): string {
    return `${this.prefix(index)}.0/24`;
  }

  /** The first three numbers of `subnet`. */
  prefix(index = 0): string {
    return `10.${1 + (this.#number % 250)}.${index}`;
  }

  /** The IPv6 prefix that no other check has, up to the "::" of its /64. */
  prefix6(index = 0): string {
    return `fd00:${this.#number}:${index + 1}`;
  }

  /** A link name that no other check has. */
  link(name = "br"): string {
    return `${name}${this.#number}`;
  }

  /** A recording plugin, found through CNI_PATH. */
  recorder(type = "recorder", folder = "bin"): Recorder {
    const made = new Recorder(this.directory, type, folder);
    this.#recorders.push(made);
    return made;
  }

  /** Calls a plugin; text or octets are its standard input as they are. */
  async call(
    command: string,
    config: Json | Buffer,
    container: Container | undefined,
    call: Call = {},
  ): Promise<Outcome> {
    const type = call.type ?? (Buffer.isBuffer(config) ? undefined : text(config, "type")) ?? "";
    const path = [...this.#recorders.map(({ directory }) => directory), this.plugins.path].join(":");
    const variables: Readonly<Record<string, string | undefined>> = {
      PATH: process.env["PATH"],
      CNI_COMMAND: command,
      CNI_CONTAINERID: container?.id,
      CNI_NETNS: container?.netns,
      CNI_IFNAME: container === undefined ? undefined : (call.ifname ?? "eth0"),
      CNI_ARGS: call.args,
      CNI_PATH: path,
      ...call.environment,
    };
    const environment = Object.fromEntries(
      Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    const input = typeof config === "string" || Buffer.isBuffer(config) ? config : JSON.stringify(config);
    const outcome = await this.host.execute([join(this.plugins.path, type)], { environment, input });
    if (command === "ADD" && outcome.status === 0 && container !== undefined)
      this.#undone.push(() => this.call("DEL", withPrevious(config, outcome), container, call));
    return outcome;
  }

  /** Calls a plugin that has to succeed. */
  async succeeds(command: Command, config: Json, container: Container | undefined, call: Call = {}): Promise<Outcome> {
    const outcome = await this.call(command, config, container, call);
    expect(outcome.status === 0, `${naming(command, config, call)} ${howItEnded(outcome)}`);
    return outcome;
  }

  /** ADD that has to succeed, and its result. */
  async add(config: JsonObject, container: Container, call: Call = {}): Promise<JsonObject> {
    const { stdout } = await this.succeeds("ADD", config, container, call);
    const result = parse(stdout);
    expect(
      isObject(result),
      `${naming("ADD", config, call)} printed ${JSON.stringify(short(stdout))}, which is no JSON object`,
    );
    return result;
  }

  /** DEL that has to succeed. */
  async del(config: Json, container: Container, call: Call = {}): Promise<void> {
    await this.succeeds("DEL", config, container, call);
  }

  /** CHECK that has to succeed. */
  async check(config: Json, container: Container, call: Call = {}): Promise<void> {
    await this.succeeds("CHECK", config, container, call);
  }

  /** Calls a plugin that has to refuse, with an error of the protocol's form on its standard output. */
  async refuses(
    command: string,
    config: Json | Buffer,
    container: Container | undefined,
    call: Call = {},
  ): Promise<Refusal> {
    const outcome = await this.call(command, config, container, call);
    const name = naming(command, Buffer.isBuffer(config) ? null : config, call);
    expect(outcome.status !== 0, `${name} succeeded and printed ${JSON.stringify(short(outcome.stdout))}`);
    return refusalOf(outcome, name);
  }

  /** Takes away what the check left: its attachments, its places, its directory. */
  async close(keepHost: boolean): Promise<void> {
    for (const place of this.#places) place.quiet();
    if (keepHost) {
      for (const undo of this.#undone.toReversed()) await undo();
      for (const place of this.#places)
        if (place.netns !== undefined) await this.host.execute(["ip", "netns", "delete", place.name]);
      await this.host.execute(["ip", "link", "delete", "up0"]);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** An error as a plugin that ended with a failure reported it. */
export function refusalOf(outcome: Outcome, name: string): Refusal {
  const object = parse(outcome.stdout);
  expect(isObject(object), `${name} failed without an error object on stdout: it ${howItEnded(outcome)}`);
  const { code, msg } = object;
  expect(
    typeof code === "number" && Number.isInteger(code) && code > 0,
    `${name}: the error's code is ${JSON.stringify(code)}`,
  );
  expect(typeof msg === "string" && msg !== "", `${name}: the error's msg is ${JSON.stringify(msg)}`);
  return { code, msg, details: text(object, "details") ?? "", object };
}

const withPrevious = (config: Json | Buffer, outcome: Outcome): Json | Buffer => {
  const prevResult = parse(outcome.stdout);
  return isObject(prevResult) && !Buffer.isBuffer(config) && isObject(config) ? { ...config, prevResult } : config;
};

const naming = (command: string, config: Json, call: Call): string =>
  `${command} of ${call.type ?? at(config, "type") ?? "?"}`;

/** How a program ended, in words. */
export const howItEnded = ({ status, signal, stdout, stderr }: Outcome): string =>
  `ended with ${status ?? signal} and printed ${JSON.stringify(short(stdout))}${stderr === "" ? "" : `, on stderr ${JSON.stringify(short(stderr, 160))}`}`;
