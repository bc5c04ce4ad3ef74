/** libcni itself, as Debian packages it, behind a small program: driver.go, built when a test begins. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where Debian's golang-github-appc-cni-dev puts libcni's source. */
const source = "/usr/share/gocode/src/github.com/containernetworking/cni/libcni/api.go";

/** What libcni is told. */
export interface Told {
  readonly configurations: string;
  readonly plugins: readonly string[];
  readonly cache: string;
}

/** What libcni is to do. */
export interface Call {
  readonly verb: "add" | "check" | "del" | "result" | "config";
  readonly network: string;
  readonly namespace: string;
  readonly interfaceName: string;
  readonly containerId: string;
  readonly capabilities?: object;
}

/** The program, or why there is none. */
export type Driver = { readonly path: string } | { readonly missing: string };

/** Builds the program in a directory. */
export function buildDriver(directory: string): Driver {
  if (!existsSync(source)) return { missing: "golang-github-appc-cni-dev is not installed" };
  const path = join(directory, "driver");
  const { status, error, stderr } = spawnSync("go", ["build", "-o", path, join(import.meta.dirname, "driver.go")], {
    encoding: "utf8",
    env: {
      ...process.env,
      GO111MODULE: "off",
      GOPATH: `${directory}:/usr/share/gocode`,
      GOCACHE: join(directory, "go-cache"),
      CGO_ENABLED: "0",
    },
  });
  return status === 0 ? { path } : { missing: `libcni's driver cannot be built: ${error?.message ?? stderr}` };
}

/** Runs the program; what it prints. Throws what it says. */
export function drive(path: string, { configurations, plugins, cache }: Told, call: Call): string {
  const { verb, network, namespace, interfaceName, containerId, capabilities = {} } = call;
  const words = [verb, configurations, network, namespace, interfaceName, containerId, JSON.stringify(capabilities)];
  const env = { ...process.env, CNI_PATH: plugins.join(":"), CACHE_DIR: cache };
  const { status, stdout, stderr, error } = spawnSync(path, words, { encoding: "utf8", env });
  if (status !== 0) throw new Error(`libcni ${words.join(" ")}: ${error?.message ?? (stderr || stdout)}`);
  return stdout;
}
