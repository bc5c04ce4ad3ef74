/** A test for each network option that is not a gateway mode (modes.test.ts) or enable_icc (icc.test.ts): what it changes, by real connections. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { enterTestHost, exec, run } from "../../../support/test-host.ts";
import {
  type Family,
  families,
  type Ground,
  gatewayOf,
  host,
  key,
  makeGround,
  office,
  outside,
  protocols,
  second,
} from "./ground.ts";

enterTestHost();

let ground: Ground;

before(async () => {
  ground = await makeGround();
  await ground.network(9, { name: "plain" });
  await ground.sandbox("plain-a", "plain");
});
after(() => ground[Symbol.asyncDispose]());

const asks = (from: string, protocol: "tcp" | "udp", address: string, port: number): Promise<string | undefined> =>
  ground.peer(from).ask(protocol, address, port);

/** Addresses of a link of the host, without the link-local ones. */
function addressesOf(link: string): readonly string[] {
  const [shown] = JSON.parse(exec("ip", "-j", "address", "show", link)) as {
    addr_info: { local: string; scope: string }[];
  }[];
  return (shown?.addr_info ?? []).filter(({ scope }) => scope === "global").map(({ local }) => local);
}

const each = (check: (family: Family, protocol: "tcp" | "udp") => Promise<void>): Promise<unknown> =>
  Promise.all(families.flatMap((family) => protocols.map((protocol) => check(family, protocol))));

describe("network options", { concurrency: true }, () => {
  test("trusted_host_interfaces: from there published ports are reached at the sandboxes' own addresses", async () => {
    await ground.network(10, { name: "trusting", options: { [key.trusted]: "nowhere0:office0" } });
    await ground.sandbox("trusting-a", "trusting", "8010:80", "8010:80/udp", `${host[4]}:8110:81`);
    await each(async (family, protocol) => {
      const own = ground.address("trusting-a", family);
      assert.equal(await asks("office", protocol, own, 80), `trusting-a 80 ${office[family]}`);
      const other = family === 4 && protocol === "tcp" ? `trusting-a 81 ${office[4]}` : undefined;
      assert.equal(await asks("office", protocol, own, 81), other, "only what is published, in its family");
      assert.equal(await asks("outside", protocol, own, 80), undefined, "from another interface");
      assert.equal(await asks("plain-a", protocol, own, 80), undefined, "from another network");
      assert.equal(await asks("outside", protocol, host[family], 8010), `trusting-a 80 ${outside[family]}`);
    });
  });

  test("host_binding_ipv4: ports that name no address are published on that one", async () => {
    await ground.network(11, { name: "bound", options: { [key.binding]: second[4] } });
    await ground.network(12, { name: "bound6", options: { [key.binding]: second[6] } });
    await ground.sandbox("bound-a", "bound", "8011:80", `${host[4]}:8111:80`, `[${host[6]}]:8111:80`);
    await ground.sandbox("bound6-a", "bound6", "8012:80");
    const of = (address: string, port: number) => asks("outside", "tcp", address, port);
    assert.equal(await of(second[4], 8011), `bound-a 80 ${outside[4]}`);
    assert.equal(await of(host[4], 8011), undefined);
    assert.equal(await of(host[6], 8011), undefined, "an address of IPv4 publishes nothing in IPv6");
    for (const family of families) assert.equal(await of(host[family], 8111), `bound-a 80 ${outside[family]}`);
    assert.equal(await of(second[6], 8012), `bound6-a 80 ${outside[6]}`);
    assert.equal(await of(host[6], 8012), undefined);
    const [port] = ground.controller.sandbox("bound-a").info().endpoints[0]?.ports ?? [];
    assert.equal(port?.address, second[4]);
  });

  test("enable_ip_masquerade=false: what leaves keeps its own address", async () => {
    await ground.network(13, { name: "bare", options: { [key.masquerade]: "false" } });
    await ground.sandbox("bare-a", "bare", "8013:80", "8013:80/udp");
    await each(async (family, protocol) => {
      assert.equal(
        await asks("bare-a", protocol, outside[family], 80),
        `outside 80 ${ground.address("bare-a", family)}`,
      );
      assert.equal(await asks("outside", protocol, host[family], 8013), `bare-a 80 ${outside[family]}`);
      assert.match((await asks("bare-a", protocol, host[family], 8013)) ?? "", /^bare-a 80 /, "its own published port");
    });
  });

  test("host_ipv4 and host_ipv6: what leaves takes that address of the host", async () => {
    await ground.network(14, { name: "sourced", options: { [key.source4]: second[4], [key.source6]: second[6] } });
    await ground.network(15, { name: "half-sourced", options: { [key.source6]: second[6] } });
    await ground.sandbox("sourced-a", "sourced");
    await ground.sandbox("half-sourced-a", "half-sourced");
    await each(async (family, protocol) => {
      assert.equal(await asks("sourced-a", protocol, outside[family], 80), `outside 80 ${second[family]}`);
      const half = { 4: host[4], 6: second[6] }[family];
      assert.equal(await asks("half-sourced-a", protocol, outside[family], 80), `outside 80 ${half}`);
      assert.equal(await asks("sourced-a", protocol, gatewayOf(14, family), 80), undefined);
    });
    // To the host itself nothing is translated.
    await ground.peer("host").serve(85);
    for (const family of families)
      assert.equal(await asks("sourced-a", "tcp", host[family], 85), `host 85 ${ground.address("sourced-a", family)}`);
  });

  test("inhibit_ipv4: the bridge has no IPv4 address, and the gateway is somebody else's", async () => {
    run("ip link add br-lan type bridge");
    run("ip link set br-lan up");
    run("ip netns add router");
    run("ip link add lan0 type veth peer name eth0 netns router");
    run("ip link set lan0 master br-lan up");
    run("ip -n router address add 10.16.0.1/24 dev eth0");
    run("ip -n router link set eth0 up");
    try {
      await ground.network(16, {
        name: "lan",
        enableIpv6: false,
        options: { [key.name]: "br-lan", [key.inhibit]: "true" },
      });
      assert.deepEqual(addressesOf("br-lan"), []);
      const lan = await ground.sandbox("lan-a", "lan");
      const inside = ground.controller.sandbox("lan-a").info().namespace;
      assert.match(exec("nsenter", `--net=${inside}`, "ip", "route"), /^default via 10\.16\.0\.1 /m);
      exec("nsenter", `--net=${inside}`, "ping", "-c1", "-W2", "10.16.0.1");
      await ground.network(17, { name: "inhibited", internal: true, options: { [key.inhibit]: "true" } });
      assert.equal(ground.controller.network("inhibited").info().ipam.pools[0]?.gateway, undefined);
      await lan.stop();
    } finally {
      await ground.controller.sandbox("lan-a").delete();
      await ground.controller.network("lan").delete();
      run("ip link delete lan0");
      run("ip link delete br-lan");
      run("ip netns delete router");
    }
  });

  test("enable_ipv4 and enable_ipv6: the families of the network, as its fields say", async () => {
    await ground.controller.createNetwork({
      name: "by-options",
      options: { "com.docker.network.enable_ipv6": "true", "com.docker.network.enable_ipv4": "false" },
    });
    const { enableIpv4, enableIpv6, ipam } = ground.controller.network("by-options").info();
    assert.deepEqual([enableIpv4, enableIpv6], [false, true]);
    assert.match(ipam.pools.map(({ subnet }) => subnet).join(), /^fd[\da-f:]+\/64$/, "a unique local subnet");
    await ground.sandbox("by-options-a", "by-options");
    assert.equal(await asks("by-options-a", "tcp", outside[6], 80), `outside 80 ${host[6]}`);
  });

  test("name, mtu and container_iface_prefix: the bridge's name, the MTU of all and names inside", async () => {
    await ground.network(18, {
      name: "named",
      options: {
        [key.name]: "br-named",
        "com.docker.network.driver.mtu": "1400",
        "com.docker.network.container_iface_prefix": "net",
      },
    });
    await ground.sandbox("named-a", "named");
    assert.deepEqual(addressesOf("br-named"), ["10.18.0.1", "fd00:18::1"]);
    assert.equal(JSON.parse(exec("ip", "-j", "link", "show", "br-named"))[0]?.mtu, 1400);
    const inside = ground.controller.sandbox("named-a").info().namespace;
    assert.equal(JSON.parse(exec("nsenter", `--net=${inside}`, "ip", "-j", "link", "show", "net0"))[0]?.mtu, 1400);
  });

  test("default_bridge: true is the predefined network's alone", async () => {
    const option = (value: string) => ({ "com.docker.network.bridge.default_bridge": value });
    await assert.rejects(ground.network(19, { name: "default", options: option("true") }), { code: "invalid-option" });
    await ground.network(19, { name: "no-default", options: option("false") });
  });

  test("an auxiliary address DefaultGatewayIPv4 or DefaultGatewayIPv6 is the sandboxes' gateway", async () => {
    await ground.controller.createNetwork({
      name: "elsewhere",
      enableIpv6: true,
      ipam: {
        pools: [
          { subnet: "10.20.0.0/24", auxAddresses: { DefaultGatewayIPv4: "10.20.0.254" } },
          { subnet: "fd00:20::/64", auxAddresses: { DefaultGatewayIPv6: "fd00:20::fe" } },
        ],
      },
    });
    await ground.sandbox("elsewhere-a", "elsewhere");
    const inside = ground.controller.sandbox("elsewhere-a").info().namespace;
    const routes = (family: Family): string => exec("nsenter", `--net=${inside}`, "ip", `-${family}`, "route");
    assert.match(routes(4), /^default via 10\.20\.0\.254 /m);
    assert.match(routes(6), /^default via fd00:20::fe /m);
  });

  test("contradictions and gateways of networks that have none are refused before anything is done", async () => {
    const refused = (spec: Parameters<Ground["network"]>[1], code: string) =>
      assert.rejects(ground.network(21, spec), { code });
    await refused({ name: "x", options: { [key.mode4]: "isolated" } }, "invalid-option");
    await refused({ name: "x", internal: true, options: { [key.mode6]: "routed" } }, "invalid-option");
    await refused({ name: "x", enableIpv6: false, options: { [key.mode6]: "routed" } }, "invalid-option");
    const pools = [{ subnet: "10.21.0.0/24", gateway: "10.21.0.1" }];
    await refused(
      { name: "x", enableIpv6: false, internal: true, options: { [key.mode4]: "isolated" }, ipam: { pools } },
      "invalid-argument",
    );
    assert.ok(!ground.controller.networks().some(({ name }) => name === "x"));
  });
});
