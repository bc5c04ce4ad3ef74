/**
 * enable_icc=false: sandboxes of the network reach each other by published ports alone, by whichever address of the host, whether the host's firewall sees
 * bridged packets (br_netfilter) or not.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { enterTestHost, exec, run, temporaryDirectory } from "../../../support/test-host.ts";
import { families, type Ground, gatewayOf, host, key, makeGround, outside, protocols } from "./ground.ts";

enterTestHost();

const sysctl = "/proc/sys/net/bridge/bridge-nf-call-iptables";
const bridging = existsSync(sysctl);

/** Whether the host's firewall is to see bridged packets. */
function filterBridging(on: boolean): void {
  for (const family of ["ip", "ip6"]) run(`sysctl -qw net.bridge.bridge-nf-call-${family}tables=${Number(on)}`);
}

/** Settings of the ports of a network's bridge, by the sandbox's name. */
function isolatedPorts(ground: Ground): Record<string, boolean> {
  const ports = JSON.parse(exec("bridge", "-j", "-d", "link", "show")) as { ifname: string; isolated?: boolean }[];
  return Object.fromEntries(
    ground.controller.endpoints().map(({ id, sandbox }) => {
      const port = ports.find(({ ifname }) => ifname === `veth${id.slice(0, 11)}`);
      return [sandbox?.name, port?.isolated ?? false];
    }),
  );
}

for (const [number, filtered] of [
  [1, true],
  [2, false],
] as const) {
  const how = filtered ? "the firewall sees bridged packets" : "the firewall sees no bridged packets";
  describe(`enable_icc=false, where ${how}`, { skip: !bridging && "br_netfilter is not loaded" }, () => {
    let ground: Ground;
    const state = temporaryDirectory();
    before(async () => {
      filterBridging(filtered);
      ground = await makeGround({ stateDir: state.path });
      await ground.network(number, { name: "apart", options: { [key.icc]: "false" } });
      await ground.network(3, { name: "apart-inside", options: { [key.icc]: "false" }, internal: true });
      await ground.sandbox("web", "apart", "8080:80", "8080:80/udp");
      await ground.sandbox("other", "apart");
      await ground.sandbox("third", "apart", "8081:80", "8081:80/udp");
      await ground.sandbox("in-a", "apart-inside");
      await ground.sandbox("in-b", "apart-inside");
    });
    after(async () => {
      await ground[Symbol.asyncDispose]();
      state[Symbol.dispose]();
      run("ip link delete out0");
      run("ip link delete office0");
      for (const name of ["outside", "office"]) run(`ip netns delete ${name}`);
    });

    async function check(): Promise<void> {
      const asked = families.flatMap((family) =>
        protocols.map(async (protocol) => {
          const words = `IPv${family} ${protocol}`;
          const [web, other, third, inA] = ["web", "other", "third", "in-a"].map((name) =>
            ground.address(name, family),
          );
          assert.ok(web && other && third && inA);
          const ask = (from: string, address: string, port: number) => ground.peer(from).ask(protocol, address, port);
          const none = [
            ["other", web, 80],
            ["other", web, 81],
            ["third", web, 80],
            ["web", third, 80],
            ["web", other, 80],
            ["in-b", inA, 80],
          ] as const;
          for (const answer of await Promise.all(none.map(([from, to, port]) => ask(from, to, port))))
            assert.equal(answer, undefined, words);
          for (const [from, to, port, who] of [
            ["other", host[family], 8080, "web"],
            ["third", host[family], 8080, "web"],
            ["web", host[family], 8080, "web"],
            ["web", host[family], 8081, "third"],
            ["other", gatewayOf(number, family), 8080, "web"],
            ["outside", host[family], 8080, "web"],
            ["host", web, 81, "web"],
            ["host", inA, 81, "in-a"],
          ] as const)
            assert.match(
              (await ask(from, to, port)) ?? "nobody",
              new RegExp(`^${who} 8[01] `),
              `${words}: ${from} to ${to}`,
            );
          assert.equal(await ask("other", outside[family], 80), `outside 80 ${host[family]}`, words);
        }),
      );
      await Promise.all(asked);
    }

    test("sandboxes reach each other by published ports, and not otherwise", check);

    test("those that publish nothing are isolated ports of the bridge in any case", () => {
      assert.deepEqual(isolatedPorts(ground), {
        web: !filtered,
        other: true,
        third: !filtered,
        "in-a": true,
        "in-b": true,
      });
    });

    test("it stays so when the host is changed under way, and is decided anew by reconcile and when the engine starts", async () => {
      const changed = async () =>
        (await ground.controller.doctor()).problems
          .filter(({ code }) => code === "changed-host")
          .map(({ title }) => title);
      assert.deepEqual(await changed(), []);
      filterBridging(!filtered);
      if (filtered) await check();
      assert.equal((await changed()).length, 2);
      const planned = await ground.controller.reconcile({ dryRun: true });
      assert.ok(planned.plan.length > 0);
      assert.equal(isolatedPorts(ground)["web"], !filtered);
      assert.deepEqual((await ground.controller.reconcile()).plan, planned.plan);
      assert.deepEqual(await changed(), []);
      assert.equal(isolatedPorts(ground)["web"], filtered);
      await check();
      filterBridging(filtered);
      await ground.restart();
      assert.equal(isolatedPorts(ground)["web"], !filtered);
      await check();
    });
  });
}
