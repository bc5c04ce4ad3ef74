/** The resolvers that are compared, each in a host of its own with a container or sandbox to ask from. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseIp } from "../../src/address/ip.ts";
import { createKernel } from "../../src/kernel/linux.ts";
import { createResolver } from "../../src/naming/create-resolver.ts";
import type { Resolver } from "../../src/naming/resolver.ts";
import { startDockerHost } from "../../test/support/docker/host.ts";
import { exec } from "../../test/support/test-host.ts";

/** A resolver to be asked. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly namespace: string;
  readonly server: string;
  /** Names that it knows itself, and their reverse names; none where it answers no such. */
  readonly names: readonly string[];
  readonly reverse: readonly string[];
  /** Whether it forwards to the nameserver of the benchmark. */
  readonly forwards: boolean;
}

/** Containers in a network. */
const count = 10;

const reverseName = (address: string): string => `${address.split(".").toReversed().join(".")}.in-addr.arpa`;

const within = (namespace: string, line: string): string => exec("nsenter", `--net=${namespace}`, ...line.split(" "));

/** A host with a bridge that has 10.98.0.1, and somebody on it with 10.98.0.2 and a way out. */
function pair(name: string): { readonly host: string; readonly inside: string; drop(): void } {
  const kernel = createKernel();
  const [host, inside] = [`/run/names/${name}-host`, `/run/names/${name}`];
  for (const path of [host, inside]) {
    kernel.createNamespace(path);
    within(path, "ip link set lo up");
  }
  within(host, "ip link add br0 type bridge");
  within(host, "ip addr add 10.98.0.1/24 dev br0");
  within(host, "ip link set br0 up");
  within(host, `ip link add p0 type veth peer name eth0 netns ${inside}`);
  within(host, "ip link set p0 master br0 up");
  within(inside, "ip addr add 10.98.0.2/24 dev eth0");
  within(inside, "ip link set eth0 up");
  within(inside, "ip route add default via 10.98.0.1");
  return {
    host,
    inside,
    drop() {
      kernel.dropNamespace(inside);
      kernel.dropNamespace(host);
      kernel.close();
    },
  };
}

/** Starts the nameserver that is forwarded to. */
async function startUpstream(namespace: string, address: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "upstream.ts"), [namespace, address]);
  await once(child, "message");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** Ours. */
export async function startOurs(): Promise<Peer & { readonly resolver: Resolver }> {
  const { host, inside, drop } = pair("ours");
  const upstream = await startUpstream(host, "10.98.0.1");
  const resolver = createResolver();
  const addresses = Array.from({ length: count }, (_, i) => `10.98.0.${i + 2}`);
  for (const [i, address] of addresses.entries()) {
    const names = {
      id: String(i),
      networkId: "n1",
      networkName: "front",
      names: [`n${i}`],
      addresses: [parseIp(address)],
    };
    resolver.setEndpoint(names);
  }
  await resolver.setSandbox({
    id: "ours",
    namespace: inside as `/${string}`, // made above, with a slash before it
    networks: ["n1"],
    links: {},
    extraHosts: {},
    nameservers: [{ address: parseIp("10.98.0.1"), from: "sandbox" }],
  });
  return {
    name: "ours",
    namespace: inside,
    server: "127.0.0.11",
    names: addresses.map((_, i) => `n${i}`),
    reverse: addresses.map(reverseName),
    forwards: true,
    resolver,
    async [Symbol.asyncDispose]() {
      await resolver.close();
      await end(upstream);
      drop();
    },
  };
}

/** dockerd's, in a container of a user-defined network. */
export async function startDocker(): Promise<Peer> {
  const address = "10.99.0.1";
  const host = await startDockerHost({ flags: ["--dns", address] });
  within(host.namespace, "ip link add up0 type bridge");
  within(host.namespace, `ip addr add ${address}/32 dev up0`);
  within(host.namespace, "ip link set up0 up");
  const upstream = await startUpstream(host.namespace, address);
  const { docker } = host;
  await docker.createNetwork("front");
  const addresses = [];
  for (let i = 0; i < count; i++) {
    await docker.createContainer({ name: `n${i}`, network: "front" });
    await docker.start(`n${i}`);
    addresses.push((await docker.inspect(`n${i}`)).addresses["front"] ?? "");
  }
  return {
    name: "dockerd",
    namespace: await host.namespaceOf("n0"),
    server: "127.0.0.11",
    names: addresses.map((_, i) => `n${i}`),
    reverse: addresses.map(reverseName),
    forwards: true,
    async [Symbol.asyncDispose]() {
      await end(upstream);
      await host[Symbol.asyncDispose]();
    },
  };
}

const aardvark = "/usr/lib/podman/aardvark-dns";

/** aardvark-dns, which serves at the gateway's address; version 1.4 answers no reverse names, and what it forwards it asks the host's own nameservers. */
export async function startAardvark(): Promise<Peer> {
  const { host, inside, drop } = pair("aardvark");
  const directory = "/run/aardvark";
  mkdirSync(directory);
  const names = Array.from({ length: count }, (_, i) => `n${i}`);
  // Its own format: where to listen, then a container a line: id, IPv4, IPv6, names.
  const lines = names.map((name, i) => `${String(i).repeat(64)} 10.98.0.${i + 2}  ${name}`);
  writeFileSync(join(directory, "front"), `${["10.98.0.1", ...lines].join("\n")}\n`);
  const starter = spawn("nsenter", [`--net=${host}`, aardvark, "--config", directory, "-p", "53", "run"], {
    stdio: "ignore",
  });
  await once(starter, "exit");
  await sleep(500);
  const pid = Number(readFileSync(join(directory, "aardvark.pid"), "utf8"));
  return {
    name: "aardvark-dns",
    namespace: inside,
    server: "10.98.0.1",
    names: names.map((name) => `${name}.dns.podman`),
    reverse: [],
    forwards: false,
    async [Symbol.asyncDispose]() {
      process.kill(pid, "SIGKILL");
      drop();
    },
  };
}
