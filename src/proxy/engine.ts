/** All of the proxy on the thread that serves: which ports are proxied, and the two sockets to which the firewall sends what goes to them. */
import { isDeepStrictEqual } from "node:util";
import { PortolanError } from "../errors.ts";
import { errno } from "../kernel/inet/options.ts";
import { KernelError } from "../kernel/kernel.ts";
import type { Loop } from "../loop/loop.ts";
import { DatagramRoom, Datagrams } from "./datagrams.ts";
import type { ProxiedEndpoint } from "./proxy.ts";
import type { AnswerValue, Request } from "./requests.ts";
import { Streams, StreamTimes } from "./streams.ts";
import { ProxiedTable, Target } from "./table.ts";

/** EAFNOSUPPORT, EADDRNOTAVAIL: the kernel has no IPv6, or it is switched off. */
const withoutIpv6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

interface Serving {
  readonly port: number;
  readonly streams: Streams;
  readonly datagrams: Datagrams;
}

export class ProxyEngine {
  readonly #loop: Loop;
  readonly #times: StreamTimes;
  readonly #room: DatagramRoom;
  readonly #table = new ProxiedTable();
  readonly #targets = new Map<string, readonly Target[]>();
  #serving: Serving | undefined;

  constructor(loop: Loop) {
    this.#loop = loop;
    this.#times = new StreamTimes(loop);
    this.#room = new DatagramRoom(loop);
  }

  /** Does what is asked; throws PortolanError. */
  perform(request: Request): AnswerValue {
    switch (request.kind) {
      case "start":
        return this.#start(request.candidates);
      case "take over":
        this.#forgetUnled([...this.#targets.values()].flat());
        return undefined;
      case "stop":
        this.#stop();
        return undefined;
      case "set endpoints":
        this.#set(request.endpoints);
        return undefined;
      case "remove endpoint":
        this.#remove(request.id);
        return undefined;
    }
  }

  close(): void {
    this.#stop();
    this.#room.close();
  }

  #start(candidates: readonly number[]): number {
    this.#stop();
    for (const port of candidates) {
      const serving = this.#openAt(port);
      if (serving === undefined) continue;
      this.#serving = serving;
      return port;
    }
    throw new PortolanError("in-use", "the proxy finds no free port of the host", {
      object: "proxy",
      reason: `each of the ports ${candidates.join(", ")} is somebody else's`,
      advice: "end what listens at one of them",
    });
  }

  /** Both sockets at a port; undefined where somebody has it. */
  #openAt(port: number): Serving | undefined {
    let streams: Streams | undefined;
    try {
      streams = new Streams(this.#loop, this.#times, this.#table, port);
      return { port, streams, datagrams: new Datagrams(this.#loop, this.#room, this.#table, port) };
    } catch (error) {
      streams?.close();
      if (error instanceof KernelError && error.refusal.errno === errno.addressInUse) return undefined;
      throw error instanceof KernelError ? refused(error) : error;
    }
  }

  #stop(): void {
    if (this.#serving === undefined) return;
    for (const targets of this.#targets.values()) for (const target of targets) endAll(target);
    this.#serving.streams.close();
    this.#serving.datagrams.close();
    this.#serving = undefined;
  }

  #set(endpoints: readonly ProxiedEndpoint[]): void {
    const come: Target[] = [];
    for (const { id, ports } of endpoints) {
      const before = this.#targets.get(id) ?? [];
      if (
        isDeepStrictEqual(
          before.map(({ port }) => port),
          ports,
        )
      )
        continue;
      this.#remove(id);
      const targets = ports.map((port) => new Target(port));
      for (const target of targets) this.#table.add(target);
      this.#targets.set(id, targets);
      come.push(...targets);
    }
    this.#forgetUnled(come);
  }

  #remove(id: string): void {
    for (const target of this.#targets.get(id) ?? []) {
      this.#table.remove(target);
      endAll(target);
    }
    this.#targets.delete(id);
  }

  #forgetUnled(targets: readonly Target[]): void {
    const ports = targets.flatMap(({ port }) => (port.protocol === "udp" ? [port] : []));
    if (this.#serving !== undefined) this.#room.tracked.forgetUnled(ports, this.#serving.port);
  }
}

function endAll({ underWay }: Target): void {
  for (const one of [...underWay]) one.end();
}

function refused({ refusal }: KernelError): PortolanError {
  const { code, message } = refusal;
  const reason = `${message} (${code})`;
  if (withoutIpv6.has(code))
    return new PortolanError("unsupported", "the host has no IPv6", { object: "proxy", reason });
  return new PortolanError("kernel", "the proxy cannot serve", { object: "proxy", reason });
}
