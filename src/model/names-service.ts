/**
 * Names, for as long as the process lives: tells the resolver who is there as records change, and follows the host's own resolv.conf. A sandbox whose names
 * cannot be served is told by an event and by doctor; its connections are none the worse for it.
 */
import { realpathSync, statSync } from "node:fs";
import { isPortolanError, PortolanError } from "../errors.ts";
import { type HostConfiguration, hostConfigurationFile } from "../naming/host-configuration.ts";
import type { QueryRecord, Resolver, ResolverCounters } from "../naming/resolver.ts";
import type { Owner } from "../state/ledger.ts";
import type { KernelObject } from "../state/objects.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import type { Context } from "./context.ts";
import { sandboxObjects, sandboxOwner } from "./descriptions.ts";
import { joinedIn } from "./joined.ts";
import type { NameService } from "./name-service.ts";
import { namedEndpoint, namedSandbox } from "./naming.ts";

/** How often the host's resolv.conf is looked at, milliseconds. A watch would lose it where it is replaced, or is a link to what is replaced. */
const interval = 500;

export class Names implements NameService {
  readonly #context: Context;
  readonly #resolver: Resolver;
  readonly #pending = new Set<Promise<void>>();
  /** What the resolver was last told of each sandbox, as a digest, and when it began to serve it: what it is told afterwards it knows before the next query. */
  readonly #served = new Map<string, { readonly told: string; readonly begun: Promise<void> }>();
  readonly #timer: NodeJS.Timeout;
  #isStarted = false;
  #signature = signature();

  constructor(context: Context, resolver: Resolver) {
    this.#context = context;
    this.#resolver = resolver;
    this.#timer = setInterval(() => this.#look(), interval).unref();
  }

  /** Serves everybody who is there, and from now on whoever comes. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { records } = this.#context;
    records.watch({
      endpoint: (before, after) => this.#endpoint(before, after),
      sandbox: (before, after) => {
        if (after !== undefined) this.refresh(after.id);
        else if (before !== undefined) this.#stop(before.id);
      },
    });
    for (const endpoint of records.endpoints.values()) this.#tell(undefined, endpoint);
    for (const id of records.sandboxes.keys()) this.refresh(id);
  }

  /** Resolves when names answer, once the kernel is as described: who could not be served before that is tried again. */
  async started(): Promise<void> {
    this.start();
    await this.settle();
    for (const id of this.#context.nameProblems.keys()) this.refresh(id);
    await this.settle();
  }

  prepare(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[]): void {
    if (!this.#served.has(sandbox.id)) this.#serve(sandbox, endpoints);
  }

  async ready(id: string): Promise<void> {
    await this.#served.get(id)?.begun;
  }

  refresh(id: string): void {
    const { records } = this.#context;
    const sandbox = records.sandboxes.get(id);
    if (sandbox !== undefined) this.#serve(sandbox, records.endpointsOfSandbox(id));
  }

  queries(id: string): Promise<readonly QueryRecord[]> {
    return this.#served.has(id) ? this.#resolver.queries(id) : Promise.resolve([]);
  }

  counters(id: string): Promise<ResolverCounters | undefined> {
    return this.#served.has(id) ? this.#resolver.counters(id) : Promise.resolve(undefined);
  }

  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.settle();
    await this.#resolver.close();
  }

  #endpoint(before: EndpointRecord | undefined, after: EndpointRecord | undefined): void {
    this.#tell(before, after);
    for (const id of new Set([before?.join?.sandboxId, after?.join?.sandboxId])) if (id !== undefined) this.refresh(id);
  }

  /** Tells the resolver of an endpoint that comes, changes or goes. */
  #tell(before: EndpointRecord | undefined, after: EndpointRecord | undefined): void {
    const named = after && namedEndpoint(this.#context, after);
    if (named !== undefined) this.#resolver.setEndpoint(named);
    else if (before?.join !== undefined) this.#resolver.removeEndpoint(before.id);
  }

  #serve(sandbox: SandboxRecord, endpoints: readonly EndpointRecord[]): void {
    const named = namedSandbox(this.#context, sandbox, endpoints);
    if (named === undefined) {
      this.#stop(sandbox.id);
      return;
    }
    const told = process.getBuiltinModule("node:crypto").hash("sha1", JSON.stringify(named), "base64");
    const { nameProblems } = this.#context;
    const before = this.#served.get(sandbox.id);
    const isProblem = nameProblems.has(sandbox.id);
    if (before?.told === told && !isProblem) return;
    const done = this.#resolver.setSandbox(named).then(
      () => void nameProblems.delete(sandbox.id),
      (error: unknown) => this.#refused(sandbox, error),
    );
    this.#served.set(sandbox.id, { told, begun: isProblem || before === undefined ? done : before.begun });
    this.#await(done);
  }

  #stop(id: string): void {
    this.#context.nameProblems.delete(id);
    if (!this.#served.delete(id)) return;
    this.#await(this.#resolver.removeSandbox(id).catch(() => undefined));
  }

  #await(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  #refused({ id, name }: SandboxRecord, error: unknown): void {
    const { events, now, nameProblems, records } = this.#context;
    // It may have gone while it was to be served.
    if (!records.sandboxes.has(id)) return;
    const refusal = isPortolanError(error)
      ? error
      : new PortolanError("internal", `the names of sandbox ${name} cannot be served`, { cause: error });
    const isNews = !nameProblems.has(id);
    nameProblems.set(id, refusal);
    if (!isNews) return;
    const attributes = { sandbox: name, reason: refusal.reason ?? refusal.message };
    events.emit({ time: now(), type: "engine", action: "lose", id: "", name: "names", attributes });
  }

  /** Looks whether the host's resolv.conf is another one, and takes it over. */
  #look(): void {
    // What was in the way may have gone.
    for (const id of this.#context.nameProblems.keys()) this.refresh(id);
    const now = signature();
    if (now === this.#signature) return;
    this.#signature = now;
    const configuration = this.#context.hostConfiguration();
    if (JSON.stringify(configuration) === JSON.stringify(this.#context.hostNames.current)) return;
    this.#await(this.#follow(configuration).catch((error: unknown) => console.error("resolv.conf:", error)));
  }

  /** Writes the files of all sandboxes anew, and asks the host's new nameservers. */
  async #follow(configuration: HostConfiguration): Promise<void> {
    const context = this.#context;
    const { locks, records, ledger, engine, hostNames } = context;
    await locks.holdAll(async () => {
      const before = hostNames.current;
      hostNames.current = configuration;
      const descriptions = new Map<Owner, readonly KernelObject[]>(
        [...records.sandboxes.values()].map((sandbox) => {
          const joined = joinedIn(context, sandbox, records.endpointsOfSandbox(sandbox.id));
          return [sandboxOwner(sandbox.id), sandboxObjects(context, sandbox, joined)];
        }),
      );
      const { plan, commit } = ledger.propose(descriptions);
      try {
        if (plan.length > 0) await engine.apply(plan);
      } catch (error) {
        hostNames.current = before;
        this.#signature = "";
        throw error;
      }
      commit();
    });
    for (const id of [...this.#served.keys()]) this.refresh(id);
  }
}

/** What tells one state of the file from another. */
function signature(): string {
  try {
    const path = realpathSync(hostConfigurationFile);
    const { ino, mtimeMs, size } = statSync(path);
    return `${path} ${ino} ${mtimeMs} ${size}`;
  } catch {
    return "none";
  }
}
