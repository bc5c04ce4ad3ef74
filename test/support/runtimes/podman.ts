/** Podman on a machine, with CNI for its networks. Containers are of a directory with busybox in it: no image, no registry. */
import { mkdirSync, writeFileSync } from "node:fs";
import { fillRoot, noImage } from "../docker/image.ts";
import { missing } from "../test-host.ts";
import type { Machine, Outcome } from "./machine.ts";

/** Where networks stand. */
export const configurations = "/etc/cni/net.d";

/** Why no podman with CNI can run here; false where it can. */
export function noPodman(): string | false {
  return ["podman", "runc", "conmon"].map(missing).find((reason) => reason !== false) ?? noImage();
}

const settings = (plugins: string): string => `
[containers]
cgroups = "enabled"
cgroupns = "host"
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
apparmor_profile = ""
seccomp_profile = "unconfined"
[network]
network_backend = "cni"
cni_plugin_dirs = ["${plugins}"]
network_config_dir = "${configurations}"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`;

/** What podman says of a container in one of its networks. */
interface InNetwork {
  readonly IPAddress: string;
  readonly GlobalIPv6Address: string;
  readonly MacAddress: string;
  readonly Aliases: readonly string[] | null;
}

export class Podman {
  readonly #machine: Machine;

  /** `plugins` is the only folder of plugins. */
  constructor(machine: Machine, plugins: string) {
    this.#machine = machine;
    mkdirSync(machine.path("/run/box"));
    fillRoot(machine.path("/run/box"));
    for (const folder of ["/etc/containers", "/etc/cni"]) machine.ok("mount", "-t", "tmpfs", "tmpfs", folder);
    mkdirSync(machine.path(configurations));
    const files = {
      "containers.conf": settings(plugins),
      "storage.conf":
        '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n',
      "policy.json": '{"default":[{"type":"insecureAcceptAnything"}]}',
      "registries.conf": "",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(machine.path(`/etc/containers/${name}`), text);
  }

  run(...words: readonly string[]): Outcome {
    return this.#machine.run("podman", ...words);
  }

  ok(...words: readonly string[]): string {
    return this.#machine.ok("podman", ...words);
  }

  /** Runs a container that answers `hello NAME` at port 80. */
  serve(name: string, ...flags: readonly string[]): void {
    const command = ["nc", "-ll", "-p", "80", "-e", "echo", "hello", name];
    this.ok("run", "--detach", "--name", name, ...flags, "--rootfs", "/run/box", ...command);
    // podman returns before the program listens.
    const listens = "until nc -w 1 127.0.0.1 80 < /dev/null | grep -q hello; do sleep 0.05; done";
    this.ok("exec", name, "sh", "-c", listens);
  }

  /** A container's networks by name. */
  networks(container: string): Readonly<Record<string, InNetwork>> {
    return JSON.parse(this.ok("inspect", "--format", "{{json .NetworkSettings.Networks}}", container));
  }
}
