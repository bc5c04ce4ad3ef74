/**
 * Two sandboxes that reach each other, by the library: run it as root, in a throw-away host if you like:
 *
 *     unshare --net --mount node_modules/.bin/node examples/library.mjs
 *
 * Without a state directory the engine keeps its records in memory; what it made in the kernel it takes away itself at the end.
 */
import { execFileSync } from "node:child_process";
import { createController, isPortolanError, renderPlan } from "portolan";

await using controller = await createController({ runDir: "/run/portolan-example" });

// Everything is disposed of in the opposite order: endpoints leave before their sandboxes and networks go.
await using network = await controller.createNetwork({
  name: "front",
  enableIpv6: true,
  ipam: { pools: [{ subnet: "10.88.0.0/24", gateway: "10.88.0.1" }] },
});
await using web = await controller.createSandbox({ name: "web" });
await using client = await controller.createSandbox({ name: "client" });

const endpoint = await controller.connect(network, web, { ipv4: "10.88.0.80", aliases: ["www"] });
await controller.connect(
  network,
  client,
  {},
  {
    // The same as commands, before it is done.
    onPlan: (plan) => console.log(renderPlan(plan).join("\n")),
  },
);
console.log(`web is ${endpoint.info().ipv4} (${endpoint.info().mac}) on ${endpoint.info().interfaceName}`);

// A sandbox is a namespace file: whatever can enter one can use it.
const { namespace } = client.info();
const [address] = (endpoint.info().ipv4 ?? "").split("/");
console.log(execFileSync("nsenter", [`--net=${namespace}`, "ping", "-c1", address ?? ""], { encoding: "utf8" }));

try {
  await network.delete();
} catch (error) {
  if (!isPortolanError(error, "in-use")) throw error;
  console.log(`refused, and nothing has changed: ${error.message} (${error.reason})`);
}
