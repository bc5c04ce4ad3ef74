/** A runtime's directories in a test's host, with networks of the reference plugins, and plugins that are scripts. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CniRuntime, type NetworkConfiguration, type RuntimeOptions } from "../../../src/cni/runtime/index.ts";
import { run, temporaryDirectory } from "../test-host.ts";

/** Debian's reference plugins. */
export const referencePlugins = "/usr/lib/cni";

/** Why tests with the reference plugins cannot run; false where they are there. */
export const withoutReference = existsSync(`${referencePlugins}/bridge`)
  ? false
  : "containernetworking-plugins is not installed";

/** What stands in a file. */
export type Configuration = Readonly<Record<string, unknown>>;

export class RuntimeScene implements Disposable {
  readonly #directory = temporaryDirectory();
  readonly path = this.#directory.path;
  readonly configurations = join(this.path, "net.d");
  readonly scripts = join(this.path, "bin");
  readonly cache = join(this.path, "cache");
  /** Where scripts write down what they are called with. */
  readonly log = join(this.path, "log");
  readonly runtime: CniRuntime;

  constructor(options: RuntimeOptions = {}) {
    for (const folder of [this.configurations, this.scripts]) mkdirSync(folder);
    this.runtime = new CniRuntime({
      configurationDirectories: [this.configurations],
      pluginDirectories: [this.scripts, referencePlugins],
      cacheDirectory: this.cache,
      ...options,
    });
  }

  /** Writes a list and reads it back as a network. */
  network(name: string, plugins: readonly Configuration[], more: Configuration = {}): NetworkConfiguration {
    const text = JSON.stringify({ cniVersion: "1.0.0", name, plugins, ...more });
    writeFileSync(join(this.configurations, `${name}.conflist`), text);
    return this.runtime.network(name).network;
  }

  /** The bridge plugin's part, addresses by host-local with its files here. */
  bridge(bridge: string, ...subnets: readonly string[]): Configuration {
    const ipam = {
      type: "host-local",
      dataDir: join(this.path, "networks"),
      ranges: subnets.map((subnet) => [{ subnet }]),
      routes: [{ dst: "0.0.0.0/0" }],
    };
    return { type: "bridge", bridge, isGateway: true, ipMasq: true, ipam };
  }

  /**
   * A plugin that is a shell script. It writes `COMMAND TYPE INPUT` to the log, the input in base64, and goes on with `body`, in which `$CONFIGURATION` is that
   * input.
   */
  script(type: string, body: string): void {
    const file = join(this.scripts, type);
    const lines = [
      "#!/bin/sh",
      "CONFIGURATION=$(cat)",
      `echo "$CNI_COMMAND ${type} $(printf %s "$CONFIGURATION" | base64 -w0)" >> "${this.log}"`,
      body,
      "",
    ];
    writeFileSync(file, lines.join("\n"));
    chmodSync(file, 0o755);
  }

  /** What scripts were called with since the last time. */
  calls(): readonly {
    readonly command: string;
    readonly type: string;
    readonly configuration: Configuration;
    readonly text: string;
  }[] {
    if (!existsSync(this.log)) return [];
    const lines = readFileSync(this.log, "utf8").trim().split("\n");
    writeFileSync(this.log, "");
    return lines
      .filter((line) => line !== "")
      .map((line) => {
        const [command = "", type = "", encoded = ""] = line.split(" ");
        const text = Buffer.from(encoded, "base64").toString();
        return { command, type, configuration: JSON.parse(text), text };
      });
  }

  /** Files in the cache. */
  cached(): readonly string[] {
    const folder = join(this.cache, "results");
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** Addresses that host-local has given out in a network. */
  reserved(network: string): readonly string[] {
    const folder = join(this.path, "networks", network);
    return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d/.test(name)) : [];
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

/** A container's namespace, made by `ip netns`. */
export function namespace(name: string): `/${string}` {
  run(`ip netns add ${name}`);
  return `/run/netns/${name}`;
}

/** Names of the links in a namespace but loopback and what the kernel puts there by itself. */
export function linksIn(path: string): readonly string[] {
  const listed: readonly { readonly ifname: string; readonly link_type: string }[] = JSON.parse(
    run(`nsenter --net=${path} ip -j link`),
  );
  return listed.filter(({ link_type }) => link_type === "ether").map(({ ifname }) => ifname);
}
