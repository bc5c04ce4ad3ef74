/** The dockerd that tests and benchmarks are run beside: that it works in namespaces of its own, and that nothing is left of it. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cgroupRoot } from "../support/docker/cgroups.ts";
import { cgroupPrefix, noDocker, startDockerHost } from "../support/docker/host.ts";
import { enterTestHost, exec, snapshot } from "../support/test-host.ts";

enterTestHost();

const skip = noDocker();

/** Cgroups of our docker hosts, in every hierarchy. */
const cgroups = (): readonly string[] =>
  readdirSync(cgroupRoot).flatMap((hierarchy) =>
    readdirSync(join(cgroupRoot, hierarchy)).filter((name) => name.startsWith(cgroupPrefix)),
  );

for (const iptables of ["nft", "legacy"] as const) {
  test(`a dockerd with iptables-${iptables} runs containers in a host of its own, and nothing is left of it`, {
    skip,
  }, async () => {
    const before = snapshot();
    let namespace = "";
    {
      await using host = await startDockerHost({ iptables });
      await host.docker.createNetwork("front");
      await host.docker.createNetwork("back");
      const id = await host.docker.createContainer({
        name: "web",
        network: "front",
        publish: { "80/tcp": 8080 },
        command: ["nc", "-ll", "-p", "80", "-e", "echo", "hello"],
      });
      await host.docker.start(id);
      await host.docker.connect("back", "web");
      const { addresses } = await host.docker.inspect("web");
      assert.deepEqual(Object.keys(addresses), ["back", "front"]);
      namespace = await host.namespaceOf("web");
      assert.match(
        exec("nsenter", `--net=${namespace}`, "ip", "-o", "-4", "address"),
        new RegExp(`${addresses["front"]}/`),
      );
      assert.equal(host.exec("busybox", "nc", "127.0.0.1", "8080"), "hello\n", "through the published port");
      assert.match(host.exec("iptables", "--version"), iptables === "nft" ? /nf_tables/ : /legacy/);
      assert.match(host.exec("iptables-save", "-t", "nat"), /--dport 8080/);
      assert.notDeepEqual(cgroups(), []);
    }
    assert.equal(existsSync(namespace), false);
    assert.deepEqual(cgroups(), []);
    assert.deepEqual(snapshot(), before, "the test's host is as it was");
  });
}

test("a dockerd that cannot start says why, and nothing is left of it", { skip }, async () => {
  await assert.rejects(startDockerHost({ flags: ["--no-such-flag"] }), /dockerd ended:.*unknown flag: --no-such-flag/s);
  assert.deepEqual(cgroups(), []);
});

test("a dockerd in the test's own host makes its bridge there", { skip }, async () => {
  await using host = await startDockerHost({ network: "shared", flags: ["--userland-proxy=false"] });
  assert.match(exec("ip", "-o", "link"), / docker0: /);
  await host.docker.removeNetwork("nothing").then(
    () => assert.fail("there is no such network"),
    (error: Error) => assert.match(error.message, /dockerd answers 404 .*network nothing not found/),
  );
});
