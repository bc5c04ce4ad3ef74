/** Every command on a real kernel, by an engine of the command's own and through a daemon: the same lines, the same answers. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { EndpointInfo, EndpointStatistics, NetworkInfo, SandboxInfo } from "../../../src/model/types.ts";
import { enterTestHost, exec, missing, run, snapshot, temporaryDirectory } from "../../support/test-host.ts";
import { Portolan } from "./portolan.ts";

enterTestHost();
const skip = missing("ip") || missing("nft");

for (const [way, withDaemon] of [
  ["without a daemon", false],
  ["with a daemon", true],
] as const) {
  describe(`the commands, ${way}`, { skip }, () => {
    const directory = temporaryDirectory();
    const runDir = `/run/${withDaemon ? "daemon" : "alone"}`;
    const portolan = new Portolan({ runDir, stateDir: join(directory.path, "state") });

    before(async () => {
      if (withDaemon) await portolan.startDaemon();
    });
    after(async () => {
      await portolan.stopDaemon();
      directory[Symbol.dispose]();
    });

    test("the predefined networks are listed, and nothing is made for it", () => {
      const untouched = snapshot();
      const lines = portolan.ok("network", "ls").trimEnd().split("\n");
      assert.match(lines[0] ?? "", /^NETWORK ID +NAME +DRIVER +SCOPE +SUBNETS +SANDBOXES$/);
      assert.deepEqual(
        lines
          .slice(1)
          .map((line) => line.split(/ {2,}/)[1])
          .toSorted(),
        ["bridge", "host", "none"],
      );
      assert.deepEqual(snapshot(), untouched);
    });

    test("--dry-run prints what would be done and does nothing", () => {
      const untouched = snapshot();
      const out = portolan.ok("network", "create", "--dry-run", "--subnet", "10.50.1.0/24", "front");
      assert.match(out, /^ip link add br-/m);
      assert.match(out, /^nft add element inet portolan masqueraded4 '\{ 10\.50\.1\.0\/24 \}'$/m);
      assert.deepEqual(snapshot(), untouched);
      assert.equal(portolan.run("network", "inspect", "front").status, 1);
    });

    test("a network is created, shown and found by the beginning of its id", () => {
      const out = portolan.ok(
        "network",
        "create",
        "--subnet",
        "10.50.1.0/24",
        "--label",
        "tier=web",
        "--ipv6",
        "front",
      );
      const id = out.trim();
      assert.match(id, /^[0-9a-f]{64}$/);
      const [network] = portolan.json<readonly NetworkInfo[]>("network", "inspect", id.slice(0, 8));
      assert.equal(network?.name, "front");
      assert.deepEqual(network?.labels, { tier: "web" });
      assert.equal(network?.ipam.pools[0]?.gateway, "10.50.1.1");
      assert.equal(portolan.ok("network", "ls", "-q", "--no-trunc", "--filter", "label=tier").trim(), id);
      assert.equal(portolan.ok("network", "ls", "--filter", "name=front", "--format", "{{.Driver}}").trim(), "bridge");
    });

    test("--explain prints the commands beside the work, and the result as a comment", () => {
      const out = portolan.ok("network", "create", "--explain", "--internal", "--subnet", "10.50.2.0/24", "back");
      const lines = out.trimEnd().split("\n");
      assert.ok(lines.some((line) => line.startsWith("ip link add br-")));
      assert.match(lines.at(-1) ?? "", /^# [0-9a-f]{64}$/);
      assert.equal(
        portolan.json<NetworkInfo>("network", "ls", "--filter", "name=back", "--format", "json").internal,
        true,
      );
    });

    test("a sandbox is created and connected, with addresses, names and an interface as asked", () => {
      assert.match(portolan.ok("sandbox", "create", "--hostname", "www", "web"), /^[0-9a-f]{64}\n$/);
      const endpoint = portolan.json<EndpointInfo>(
        ...["network", "connect", "--ip", "10.50.1.80", "--alias", "www", "--mac-address", "02:42:00:00:00:80"],
        ...["--interface", "lan", "--gw-priority", "5", "--format", "json", "front", "web"],
      );
      assert.equal(endpoint.ipv4, "10.50.1.80/24");
      const sysctls = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1";
      const told = ["--route", "10.99.0.0/16", "--link-local-ip", "169.254.8.80", "--driver-opt", sysctls];
      assert.equal(portolan.ok("network", "connect", ...told, "back", "web"), "");
      const shown = portolan.ok("endpoint", "ls", "--filter", "sandbox=web");
      assert.match(shown, /^\S+ +front +web +lan +10\.50\.1\.80\/24 +\S+\/64 +02:42:00:00:00:80$/m);
      const [inspected] = portolan.json<readonly EndpointInfo[]>("endpoint", "inspect", endpoint.id);
      assert.deepEqual(inspected?.aliases, ["www"]);
      const [sandbox] = portolan.json<readonly SandboxInfo[]>("sandbox", "inspect", "web");
      assert.equal(sandbox?.endpoints.length, 2);
      assert.match(portolan.ok("sandbox", "ls"), /^\S+ +web +front, back +10\.50\.1\.80, /m);
    });

    test("what endpoints have received and sent is shown, of all, of some, and of one", () => {
      const table = portolan.ok("endpoint", "stats");
      assert.match(table, /^ENDPOINT ID +NETWORK +SANDBOX +INTERFACE +RX BYTES .* TX DROPPED$/m);
      assert.match(table, /^\S+ +front +web +lan +\d+ +\d+ +0 +\d+ +\d+ +\d+ +0 +\d+$/m);
      const filtered = portolan.json<EndpointStatistics>(
        "endpoint",
        "stats",
        "--filter",
        "network=front",
        "--format",
        "json",
      );
      assert.equal(filtered.interfaceName, "lan");
      assert.equal(
        portolan.json<EndpointStatistics>("endpoint", "stats", "--format", "json", filtered.id).id,
        filtered.id,
      );
      assert.match(portolan.ok("endpoint", "stats", "--format", "{{.Tx.Packets}}", filtered.id), /^\d+\n$/);
      assert.equal(portolan.run("endpoint", "stats", "no-such").status, 1);
    });

    test("exec runs a command in the sandbox's network, and its exit status is passed on", () => {
      const links = JSON.parse(portolan.ok("sandbox", "exec", "web", "--", "ip", "-j", "-4", "address", "show", "lan"));
      assert.equal(links[0].addr_info[0].local, "10.50.1.80");
      assert.match(portolan.ok("sandbox", "exec", "web", "ip", "route"), /^10\.99\.0\.0\/16 dev eth0 proto 112/m);
      assert.match(portolan.ok("sandbox", "exec", "web", "ip", "address"), /169\.254\.8\.80\/16/);
      assert.equal(portolan.ok("sandbox", "exec", "web", "sysctl", "-n", "net.ipv4.conf.eth0.log_martians"), "1\n");
      assert.equal(portolan.run("sandbox", "exec", "web", "sh", "-c", "exit 7").status, 7);
      assert.equal(portolan.run("sandbox", "exec", "web", "sh", "-c", "kill -TERM $$").status, 143);
      assert.equal(portolan.ok("sandbox", "exec", "-e", "A=1", "-w", "/", "web", "sh", "-c", "echo $A $PWD"), "1 /\n");
      const none = portolan.run("sandbox", "exec", "web", "no-such-program");
      assert.equal(none.status, 127);
      assert.match(none.err, /^portolan: "no-such-program" cannot be run/);
      assert.equal(portolan.run("sandbox", "exec", "web", "/etc/passwd").status, 126);
    });

    test("what others broke is mended by reconcile", () => {
      const whole = snapshot();
      assert.equal(portolan.ok("reconcile").trim(), "all is as described");
      // Other than the firewall, which a daemon mends by itself.
      const { ifname } = JSON.parse(run("ip -j link show type bridge"))[0];
      const { local, prefixlen } = JSON.parse(run(`ip -j -4 address show dev ${ifname}`))[0].addr_info[0];
      run(`ip address delete ${local}/${prefixlen} dev ${ifname}`);
      const planned = portolan.ok("reconcile", "--dry-run");
      assert.match(planned, /^ip address add /m);
      assert.match(portolan.ok("reconcile"), /^\d+ changes? made$/m);
      assert.deepEqual(snapshot(), whole);
      assert.equal(portolan.ok("reconcile").trim(), "all is as described");
    });

    test("doctor shows what the kernel can do", () => {
      const { status, out } = portolan.run("doctor");
      assert.ok(status === 0 || status === 1);
      assert.match(out, /^bridge +yes +Ethernet bridges +CONFIG_BRIDGE$/m);
      const report = JSON.parse(portolan.run("doctor", "--format", "json").out);
      assert.equal(report.features.bridge.state, "yes");
    });

    test("errors name what failed, and are JSON where that is asked for", () => {
      const text = portolan.run("network", "rm", "front");
      assert.equal(text.status, 1);
      assert.match(text.err, /^portolan: /);
      const json = portolan.run("network", "rm", "--format", "json", "front");
      assert.equal(json.status, 1);
      assert.equal(JSON.parse(json.err).code, "in-use");
      assert.equal(json.out, "");
      const unknown = portolan.run("network", "inspect", "fronnt");
      assert.equal(unknown.status, 1);
      assert.equal(unknown.out.trim(), "[]");
      assert.equal(portolan.run("network", "ls", "--filter", "colour=red").status, 1);
      assert.equal(portolan.run("network", "create", "--subnet", "10.50.1.0/24", "again").status, 1);
    });

    test("one of several names that fails does not keep the others", () => {
      portolan.ok("network", "create", "--subnet", "10.50.3.0/24", "side");
      const { status, out, err } = portolan.run("network", "rm", "nowhere", "side");
      assert.deepEqual([status, out], [1, "side\n"]);
      assert.match(err, /nowhere/);
      assert.equal(portolan.ok("network", "rm", "-f", "nowhere"), "");
    });

    test("a sandbox is disconnected and everything removed, to the last link", () => {
      assert.equal(portolan.ok("network", "disconnect", "back", "web"), "");
      const again = portolan.run("network", "disconnect", "back", "web");
      assert.match(again.err, /sandbox "web" is not connected to network "back"/);
      assert.equal(portolan.ok("network", "prune"), "back\n");
      assert.equal(portolan.ok("sandbox", "rm", "web"), "web\n");
      assert.equal(portolan.ok("network", "rm", "front"), "front\n");
      assert.equal(portolan.ok("endpoint", "ls", "-q"), "");
      assert.equal(portolan.ok("sandbox", "ls", "-q"), "");
      const links: readonly { readonly ifname: string }[] = JSON.parse(exec("ip", "-j", "link"));
      assert.deepEqual(
        links.map(({ ifname }) => ifname),
        ["lo"],
      );
    });

    test("a sandbox may be an existing namespace, or the host's own", () => {
      run("ip netns add there");
      portolan.ok("sandbox", "create", "--netns", "/run/netns/there", "existing");
      portolan.ok("sandbox", "create", "--host", "machine");
      assert.equal(
        portolan.ok("sandbox", "exec", "existing", "readlink", "/proc/self/ns/net"),
        exec("nsenter", "--net=/run/netns/there", "readlink", "/proc/self/ns/net"),
      );
      assert.equal(
        portolan.ok("sandbox", "exec", "machine", "readlink", "/proc/self/ns/net"),
        exec("readlink", "/proc/self/ns/net"),
      );
      portolan.ok("sandbox", "rm", "existing", "machine");
      run("ip netns delete there");
    });

    test("nobody reading the result is no failure", () => {
      const line = `${process.execPath} src/cli/main.ts --run-dir ${runDir} --state-dir ${join(directory.path, "state")} network ls | true`;
      assert.equal(exec("bash", "-c", `set -o pipefail; ${line} 2>&1`), "");
    });
  });
}
