/** Debian packages that suites compare with or drive. What cannot be installed stays missing, and the tests that need it skip. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";

/** Whether dpkg knows the package as installed. */
function isInstalled(name: string): boolean {
  const { status, stdout } = spawnSync("dpkg-query", ["--status", name], { encoding: "utf8" });
  return status === 0 && stdout.includes("Status: install ok installed");
}

/** Installs those of the packages that are missing; says so where that fails. */
export function installDebianPackages(names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  console.log(`installing Debian packages: ${missing.join(" ")}`);
  const options: SpawnSyncOptions = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  };
  spawnSync("apt-get", ["update", "-qq"], options);
  const { status } = spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], options);
  if (status !== 0) console.log(`could not install ${missing.join(" ")}: tests that need them are skipped`);
}
