/** containerd's Container Runtime Interface on a machine, called as a kubelet calls it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, credentials, makeClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { imageReference, saveImage } from "../../docker/image.ts";
import type { Machine } from "../machine.ts";

/** The folders that the interface looks for networks and plugins in are a matter of its settings; snapshots are copies, since its directory lies on an overlay. */
const settings = `
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${imageReference}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
`;

/** What a call may take, milliseconds. */
const timeout = 60_000;

/** What a kubelet says of a pod. */
export interface PodConfig {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly namespace: string;
    readonly attempt: number;
  };
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dnsConfig?: { readonly servers: readonly string[] };
  /** Protocol 0 is TCP. */
  readonly portMappings?: readonly {
    readonly protocol: number;
    readonly containerPort: number;
    readonly hostPort: number;
  }[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** What Linux alone has; a kubelet always sends it. */
  readonly linux: Readonly<Record<string, string>>;
}

/** A pod by its name, as a kubelet would start it for the n-th time. */
export const pod = (name: string, more: Partial<PodConfig> = {}, attempt = 0): PodConfig => ({
  metadata: { name, uid: `uid-of-${name}`, namespace: "default", attempt },
  hostname: name,
  logDirectory: "/run/logs",
  linux: {},
  ...more,
});

type Nothing = Readonly<Record<string, never>>;

/** The requests and answers of runtime.proto that are used here. */
interface Calls {
  readonly Status: [
    Nothing,
    { readonly status: { readonly conditions: readonly { type: string; status: boolean }[] } },
  ];
  readonly RunPodSandbox: [{ readonly config: PodConfig }, { readonly podSandboxId: string }];
  readonly StopPodSandbox: [{ readonly podSandboxId: string }, Nothing];
  readonly RemovePodSandbox: [{ readonly podSandboxId: string }, Nothing];
  readonly PodSandboxStatus: [
    { readonly podSandboxId: string },
    {
      readonly status: {
        readonly network: { readonly ip: string; readonly additionalIps: readonly { ip: string }[] };
      };
    },
  ];
  readonly CreateContainer: [
    {
      readonly podSandboxId: string;
      readonly config: {
        readonly metadata: { readonly name: string; readonly attempt: number };
        readonly image: { readonly image: string };
        readonly command: readonly string[];
      };
      readonly sandboxConfig: PodConfig;
    },
    { readonly containerId: string },
  ];
  readonly StartContainer: [{ readonly containerId: string }, Nothing];
  readonly ExecSync: [
    { readonly containerId: string; readonly cmd: readonly string[]; readonly timeout: number },
    { readonly stdout: Buffer; readonly stderr: Buffer; readonly exitCode: number },
  ];
}

/** A pod that runs, with one container in it. */
export interface RunningPod {
  readonly podSandboxId: string;
  readonly containerId: string;
}

export class Pods implements Disposable {
  readonly #client: Client;
  readonly #definition: ReturnType<typeof serviceDefinition>;

  private constructor(socket: string) {
    this.#definition = serviceDefinition();
    const Service = makeClientConstructor(this.#definition, "RuntimeService");
    this.#client = new Service(`unix:${socket}`, credentials.createInsecure());
  }

  /** Starts containerd with an image of busybox, and a list of plugins for all pods. */
  static async start(machine: Machine, conflist: string): Promise<Pods> {
    machine.ok("mount", "-t", "tmpfs", "tmpfs", "/etc/cni");
    mkdirSync(machine.path("/etc/cni/net.d"));
    writeFileSync(machine.path("/etc/cni/net.d/10-net.conflist"), conflist);
    writeFileSync(machine.path("/run/containerd.toml"), settings);
    writeFileSync(machine.path("/run/image.tar"), saveImage());
    await machine.start("containerd successfully booted", "containerd", "--config", "/run/containerd.toml");
    machine.ok("ctr", "-n", "k8s.io", "images", "import", "--snapshotter", "native", "/run/image.tar");
    return new Pods(machine.path("/run/containerd/containerd.sock"));
  }

  /** Calls the interface; throws what it refuses with. */
  call<Name extends keyof Calls>(name: Name, request: Calls[Name][0]): Promise<Calls[Name][1]> {
    const { path, requestSerialize, responseDeserialize } = this.#definition[name] ?? unknownCall(name);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        // The answer has the form that the file tells.
        responseDeserialize as (bytes: Buffer) => Calls[Name][1],
        request,
        { deadline: Date.now() + timeout },
        (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
      );
    });
  }

  /** Runs a pod with one container. */
  async run(config: PodConfig, ...command: readonly string[]): Promise<RunningPod> {
    const { podSandboxId } = await this.call("RunPodSandbox", { config });
    const { containerId } = await this.call("CreateContainer", {
      podSandboxId,
      config: {
        metadata: { name: "main", attempt: config.metadata.attempt },
        image: { image: imageReference },
        command,
      },
      sandboxConfig: config,
    });
    await this.call("StartContainer", { containerId });
    return { podSandboxId, containerId };
  }

  /** What a command says in a pod's container; throws where it fails. */
  async exec({ containerId }: RunningPod, ...cmd: readonly string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.call("ExecSync", { containerId, cmd, timeout: 20 });
    if (exitCode !== 0) throw new Error(`${cmd.join(" ")} ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout.toString();
  }

  /** A pod's addresses, as a kubelet sees them. */
  async addresses(podSandboxId: string): Promise<readonly string[]> {
    const { network } = (await this.call("PodSandboxStatus", { podSandboxId })).status;
    return network === null ? [] : [network.ip, ...network.additionalIps.map(({ ip }) => ip)];
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function serviceDefinition() {
  const definition = loadSync(join(import.meta.dirname, "runtime.proto"), { defaults: true })[
    "runtime.v1.RuntimeService"
  ];
  if (definition === undefined || "format" in definition) throw new Error("runtime.proto has no RuntimeService");
  return definition;
}

function unknownCall(name: string): never {
  throw new Error(`runtime.proto has no call ${name}`);
}
