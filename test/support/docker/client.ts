/** What tests and benchmarks ask of a dockerd: the Docker Engine API by one connection that is kept, so that neither a command's start nor a new connection is measured. */
import { Agent, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** A container to make, of the test image. */
export interface ContainerSpec {
  readonly name: string;
  /** A network's name; default the default bridge. */
  readonly network?: string;
  /** Host port by container port: `{ "80/tcp": 8080 }`. */
  readonly publish?: Readonly<Record<string, number>>;
  readonly aliases?: readonly string[];
  /** What it runs; default something that waits. */
  readonly command?: readonly string[];
}

/** A container as it is while it runs. */
export interface ContainerState {
  /** Its first process, by its number in dockerd's process namespace. */
  readonly pid: number;
  /** IPv4 address by network. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Every method throws an Error with dockerd's own words where it refuses. */
export interface DockerClient extends Disposable {
  /** Whether it answers. */
  ping(): Promise<boolean>;
  /** Makes the image `box` of a tar archive. */
  importImage(archive: Buffer): Promise<void>;
  /** Creates a bridge network with driver options; its id. */
  createNetwork(name: string, options?: Readonly<Record<string, string>>): Promise<string>;
  removeNetwork(name: string): Promise<void>;
  /** Its id. */
  createContainer(spec: ContainerSpec): Promise<string>;
  start(container: string): Promise<void>;
  /** Kills what it runs, and waits until its networks are left. */
  stop(container: string): Promise<void>;
  /** Stops it where it runs, and removes it. */
  remove(container: string): Promise<void>;
  inspect(container: string): Promise<ContainerState>;
  connect(network: string, container: string): Promise<void>;
  disconnect(network: string, container: string): Promise<void>;
}

/** The client of the dockerd that listens at a socket. */
export function createDockerClient(socketPath: string): DockerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const payload = body === undefined || body instanceof Buffer ? body : Buffer.from(JSON.stringify(body));
    const type = body instanceof Buffer ? "application/x-tar" : "application/json";
    const headers = { Host: "docker", "Content-Type": type, "Content-Length": payload?.length ?? 0 };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ socketPath, agent, method, path, headers }, resolve).once("error", reject).end(payload);
    });
    const text = (await buffer(answer)).toString();
    // 304: it is started, or stopped, already.
    if ((answer.statusCode ?? 0) >= 400)
      throw new Error(`${method} ${path}: dockerd answers ${answer.statusCode} ${text}`);
    return answer.headers["content-type"] === "application/json" && text !== "" ? parsed(text) : undefined;
  }

  return {
    ping: () =>
      call("GET", "/_ping").then(
        () => true,
        () => false,
      ),
    async importImage(archive) {
      await call("POST", "/images/create?fromSrc=-&repo=box", archive);
    },
    async createNetwork(name, options = {}) {
      return idOf(await call("POST", "/networks/create", { Name: name, Driver: "bridge", Options: options }));
    },
    async removeNetwork(name) {
      await call("DELETE", `/networks/${name}`);
    },
    async createContainer({ name, network = "bridge", publish = {}, aliases, command = ["sleep", "2147483647"] }) {
      const bindings = Object.entries(publish).map(([port, hostPort]) => [port, [{ HostPort: String(hostPort) }]]);
      const created = await call("POST", `/containers/create?name=${name}`, {
        Image: "box",
        Cmd: command,
        ExposedPorts: Object.fromEntries(Object.keys(publish).map((port) => [port, {}])),
        HostConfig: { NetworkMode: network, PortBindings: Object.fromEntries(bindings) },
        ...(aliases && { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: aliases } } } }),
      });
      return idOf(created);
    },
    async start(container) {
      await call("POST", `/containers/${container}/start`);
    },
    async stop(container) {
      await call("POST", `/containers/${container}/stop?t=0`);
    },
    async remove(container) {
      await call("DELETE", `/containers/${container}?force=1`);
    },
    async inspect(container) {
      // The form is the Engine API's, ContainerInspectResponse.
      const { NetworkSettings: settings, State: state } = (await call("GET", `/containers/${container}/json`)) as {
        State: { Pid: number };
        NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
      };
      const addresses = Object.entries(settings.Networks).map(([name, { IPAddress }]) => [name, IPAddress]);
      return { pid: state.Pid, addresses: Object.fromEntries(addresses) };
    },
    async connect(network, container) {
      await call("POST", `/networks/${network}/connect`, { Container: container });
    },
    async disconnect(network, container) {
      await call("POST", `/networks/${network}/disconnect`, { Container: container });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** An answer's JSON; undefined for a stream of several values, which tells of progress. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The id in the answer to a creation (the Engine API's IdResponse). */
const idOf = (created: unknown): string => (created as { Id: string }).Id;
