/** The engine's default address for published ports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createController } from "../../../../src/model/controller.ts";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { host, key, second } from "./ground.ts";

enterTestHost();
for (const address of [host[4], second[4]]) run(`ip address add ${address}/32 dev lo`);

test("a default address of the engine's publishes ports that name none, where the network has none of its own", async () => {
  await using controller = await createController({ runDir: "/run/portolan", publishAddress: "127.0.0.1" });
  const network = await controller.createNetwork({ name: "local" });
  const bound = await controller.createNetwork({ name: "bound", options: { [key.binding]: second[4] } });
  const six = await controller.createNetwork({ name: "six", enableIpv4: false, enableIpv6: true });
  const portsOf = async (where: typeof network, ...publish: readonly string[]) =>
    (await where.createEndpoint({ publish })).info().ports.map(({ address }) => address);
  try {
    assert.deepEqual(await portsOf(network, "8080:80", `${host[4]}:8080:80`), ["127.0.0.1", host[4]]);
    assert.deepEqual(await portsOf(bound, "8081:80"), [second[4]]);
    await assert.rejects(six.createEndpoint({ publish: ["8082:80"] }), {
      code: "invalid-argument",
      reason: /127\.0\.0\.1 is the default address/,
    });
  } finally {
    for (const { id } of controller.endpoints()) await controller.endpoint(id).delete();
    await controller.pruneNetworks();
    await controller.settle();
  }
});
