/**
 * The machine's cgroup hierarchies for a peer that makes cgroups. A test host hides the machine's /sys, so they are mounted once more at a place of the test host's
 * own: every one that /proc/self/cgroup lists, be it of version 1, 2 or a mixture.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { exec } from "../test-host.ts";

/** Where {@link mountCgroups} puts them: on the test host's /run, gone with it. */
export const cgroupRoot = "/run/cgroups";

/** Mounts the hierarchies below {@link cgroupRoot}, as /sys/fs/cgroup has them; does nothing where they are. Throws where the kernel refuses. */
export function mountCgroups(): void {
  if (existsSync(cgroupRoot)) return;
  // hierarchy:controllers:path (cgroups(7)); the unified hierarchy of version 2 has no controllers here.
  const hierarchies = readFileSync("/proc/self/cgroup", "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(":")[1] ?? "");
  mkdirSync(cgroupRoot);
  if (hierarchies.every((controllers) => controllers === "")) {
    exec("mount", "-t", "cgroup2", "cgroup2", cgroupRoot);
    return;
  }
  exec("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", cgroupRoot);
  for (const controllers of hierarchies) {
    const directory = join(cgroupRoot, controllers === "" ? "unified" : controllers.replace("name=", ""));
    mkdirSync(directory);
    if (controllers === "") exec("mount", "-t", "cgroup2", "cgroup2", directory);
    else exec("mount", "-t", "cgroup", "-o", controllers, "cgroup", directory);
  }
}

/** Removes a cgroup of that name, and those in it, from every hierarchy. Its processes must have ended. */
export function removeCgroup(name: string): void {
  for (const parent of [cgroupRoot, ...directoriesIn(cgroupRoot)]) {
    if (existsSync(join(parent, name))) removeTree(join(parent, name));
  }
}

const directoriesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name));

/** A cgroup is removed by rmdir(2) alone: its files are the kernel's. */
function removeTree(directory: string): void {
  for (const inner of directoriesIn(directory)) removeTree(inner);
  rmdirSync(directory);
}
