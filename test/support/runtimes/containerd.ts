/** containerd and its `ctr` on a machine, with CNI. Containers are of a directory with busybox in it, as podman's (podman.ts). */
import { mkdirSync, writeFileSync } from "node:fs";
import { fillRoot, noImage } from "../docker/image.ts";
import { missing } from "../test-host.ts";
import type { Machine, Outcome } from "./machine.ts";

/** Why no containerd can run here; false where it can. */
export function noContainerd(): string | false {
  const programs = ["containerd", "ctr", "containerd-shim-runc-v2", "runc"];
  return programs.map(missing).find((reason) => reason !== false) ?? noImage();
}

/** Without CRI, which would look for networks and images of its own. */
const settings = `
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
`;

export class Containerd {
  readonly #machine: Machine;

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Starts it. ctr looks for plugins in /opt/cni/bin alone, and takes the first network of /etc/cni/net.d. */
  static async start(machine: Machine, conflist: string): Promise<Containerd> {
    mkdirSync(machine.path("/run/box"));
    fillRoot(machine.path("/run/box"));
    machine.ok("mount", "-t", "tmpfs", "tmpfs", "/etc/cni");
    mkdirSync(machine.path("/etc/cni/net.d"));
    writeFileSync(machine.path("/etc/cni/net.d/10-net.conflist"), conflist);
    writeFileSync(machine.path("/run/containerd.toml"), settings);
    await machine.start("containerd successfully booted", "containerd", "--config", "/run/containerd.toml");
    return new Containerd(machine);
  }

  run(...words: readonly string[]): Outcome {
    return this.#machine.run("ctr", ...words);
  }

  ok(...words: readonly string[]): string {
    return this.#machine.ok("ctr", ...words);
  }

  /** `ctr run` with a network. */
  words(id: string, flags: readonly string[], ...command: readonly string[]): readonly string[] {
    return ["ctr", "run", "--cni", "--null-io", "--env", "PATH=/bin", ...flags, "--rootfs", "/run/box", id, ...command];
  }
}
