/** A resolver and namespaces for the tests of names. */
import type { TestContext } from "node:test";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createResolver } from "../../../src/naming/create-resolver.ts";
import type { NamedSandbox, Resolver } from "../../../src/naming/resolver.ts";
import { exec } from "../../support/test-host.ts";

let made = 0;

/** A namespace with its loopback link up, dropped at the end of the test. */
export function namespaceFor(t: TestContext): `/${string}` {
  const path = `/run/names/${++made}` as const;
  const kernel = createKernel();
  kernel.createNamespace(path);
  t.after(() => {
    kernel.dropNamespace(path);
    kernel.close();
  });
  exec("nsenter", `--net=${path}`, "ip", "link", "set", "lo", "up");
  return path;
}

/** A resolver that is closed at the end of the test. */
export function resolverFor(t: TestContext): Resolver {
  const resolver = createResolver();
  t.after(() => resolver.close());
  return resolver;
}

/** The sandbox `s1` in a namespace, which sees the network `n1` and asks nobody. */
export const sandboxIn = (namespace: NamedSandbox["namespace"], more: Partial<NamedSandbox> = {}): NamedSandbox => ({
  id: "s1",
  namespace,
  networks: ["n1"],
  links: {},
  extraHosts: {},
  nameservers: [],
  ...more,
});
