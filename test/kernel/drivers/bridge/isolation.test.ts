/** What isolation has to withstand: sandboxes that make routes of their own, routers in the network, other firewalls, and networks of one family. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ipToBytes, parseIp } from "../../../../src/address/ip.ts";
import { inet6Domain } from "../../../../src/kernel/inet/address.ts";
import { enterNamespaceAt, openOwnNamespace } from "../../../../src/kernel/namespace.ts";
import { closeSocket, rawSocket, sendDatagram, setSocketOption, socket } from "../../../../src/kernel/syscalls.ts";
import { enterTestHost, exec, run } from "../../../support/test-host.ts";
import {
  type Family,
  families,
  type Ground,
  gatewayOf,
  host,
  key,
  makeGround,
  outside,
  protocols,
  second,
} from "./ground.ts";

enterTestHost();

let ground: Ground;
const ownPort = 85;

before(async () => {
  ground = await makeGround();
  await ground.network(1, { name: "open" });
  await ground.network(2, { name: "inner", internal: true });
  await ground.network(3, {
    name: "alone",
    internal: true,
    options: { [key.mode4]: "isolated", [key.mode6]: "isolated" },
  });
  await ground.network(4, { name: "six", enableIpv4: false });
  await ground.network(5, { name: "four", enableIpv6: false });
  await ground.sandbox("web", "open", "8080:80", "8080:80/udp");
  await ground.sandbox("in-a", "inner");
  await ground.sandbox("in-b", "inner");
  await ground.sandbox("alone-a", "alone");
  await ground.sandbox("alone-b", "alone");
  await ground.sandbox("six-a", "six", "8084:80", "8084:80/udp", `[${second[6]}]:8184:81`, "7000-7003:80-83");
  await ground.sandbox("six-b", "six");
  await ground.sandbox("four-a", "four");
  await ground.peer("host").serve(ownPort);
});
after(() => ground[Symbol.asyncDispose]());

const inside = (name: string): string => ground.controller.sandbox(name).info().namespace;
const asks = (from: string, protocol: "tcp" | "udp", address: string, port: number, own?: string) =>
  ground.peer(from).ask(protocol, address, port, own);
/** The bridge of a network. */
const bridgeOf = (name: string): string => `br-${ground.controller.network(name).id.slice(0, 12)}`;

/** Runs a check for each family and protocol, all at once. */
const each = (check: (family: Family, protocol: "tcp" | "udp", words: string) => Promise<void>): Promise<unknown> =>
  Promise.all(
    families.flatMap((family) => protocols.map((protocol) => check(family, protocol, `IPv${family} ${protocol}`))),
  );

test("an internal network reaches the host by its own gateway's address, and by no other, whatever routes a sandbox makes", async () => {
  for (const family of families)
    run(`nsenter --net=${inside("in-a")} ip route add default via ${gatewayOf(2, family)}`);
  await each(async (family, protocol, words) => {
    const own = ground.address("in-a", family);
    assert.equal(await asks("in-a", protocol, gatewayOf(2, family), ownPort), `host ${ownPort} ${own}`, words);
    const others = [host[family], second[family], gatewayOf(1, family), outside[family], ground.address("web", family)];
    for (const port of [ownPort, 80])
      for (const answer of await Promise.all(others.map((other) => asks("in-a", protocol, other, port))))
        assert.equal(answer, undefined, words);
    for (const address of [gatewayOf(2, family), host[family]])
      assert.equal(await asks("in-a", protocol, address, 8080), undefined, `${words}: a published port`);
  });
});

test("answers to the host come back from an internal network to whichever address it asks from", async () => {
  await each(async (family, protocol, words) => {
    const answer = await asks("host", protocol, ground.address("in-a", family), 80, host[family]);
    assert.equal(answer, `in-a 80 ${host[family]}`, words);
  });
});

test("nothing comes into an internal network, not even what another firewall translates into it", async () => {
  exec("nft", "add table inet elsewhere");
  exec("nft", "add chain inet elsewhere prerouting { type nat hook prerouting priority -110; }");
  try {
    for (const family of families) {
      const word = family === 4 ? "ip" : "ip6";
      const translation = (port: number, name: string): string =>
        `add rule inet elsewhere prerouting ${word} daddr ${host[family]} tcp dport ${port} dnat ${word} to ${ground.address(name, family)}`;
      exec("nft", translation(80, "in-a"));
      exec("nft", translation(81, "web"));
    }
    for (const family of families) {
      assert.equal(await asks("outside", "tcp", host[family], 80), undefined);
      assert.equal(
        await asks("outside", "tcp", host[family], 81),
        `web 81 ${outside[family]}`,
        "into an open one it does",
      );
    }
  } finally {
    exec("nft", "delete table inet elsewhere");
  }
});

test("an isolated network has no way to the host: no address on the bridge, none answered by it, no IPv6 on it", async () => {
  const bridge = bridgeOf("alone");
  assert.equal(exec("ip", "-j", "address", "show", bridge).includes('"local"'), false);
  assert.equal(readFileSync(`/proc/sys/net/ipv6/conf/${bridge}/disable_ipv6`, "utf8").trim(), "1");
  for (const { gateway } of ground.controller.network("alone").info().ipam.pools) assert.equal(gateway, undefined);
  const mac = readFileSync(`/sys/class/net/${bridge}/address`, "utf8").trim();
  // The host answers for all its IPv4 addresses on every link; for IPv6 the sandbox is told where the bridge is.
  for (const address of [host[4], gatewayOf(1, 4)])
    run(`nsenter --net=${inside("alone-a")} ip route add ${address} dev eth0`);
  for (const address of [host[6], gatewayOf(1, 6)]) {
    run(`nsenter --net=${inside("alone-a")} ip route add ${address} dev eth0`);
    run(`nsenter --net=${inside("alone-a")} ip neighbour add ${address} lladdr ${mac} dev eth0`);
  }
  await each(async (family, protocol, words) => {
    for (const address of [host[family], gatewayOf(1, family)])
      assert.equal(await asks("alone-a", protocol, address, ownPort), undefined, words);
    const sibling = ground.address("alone-b", family);
    assert.equal(
      await asks("alone-a", protocol, sibling, 80),
      `alone-b 80 ${ground.address("alone-a", family)}`,
      words,
    );
  });
});

test("an IPv6-only network works whole: among its own, outwards, and by published ports", async () => {
  for (const protocol of protocols) {
    const [own, sibling] = [ground.address("six-a", 6), ground.address("six-b", 6)];
    assert.equal(await asks("six-b", protocol, own, 80), `six-a 80 ${sibling}`);
    assert.equal(await asks("six-a", protocol, outside[6], 80), `outside 80 ${host[6]}`);
    assert.equal(await asks("outside", protocol, host[6], 8084), `six-a 80 ${outside[6]}`);
    assert.equal(await asks("outside", protocol, host[4], 8084), undefined);
    assert.equal(await asks("outside", protocol, own, 80), undefined);
    for (const from of ["six-a", "six-b", "web", "host"])
      assert.match((await asks(from, protocol, host[6], 8084)) ?? "nobody", /^six-a 80 /, from);
    assert.equal(await asks("host", protocol, own, 81), `six-a 81 ${gatewayOf(4, 6)}`);
  }
  assert.equal(await asks("outside", "tcp", second[6], 8184), `six-a 81 ${outside[6]}`);
  assert.equal(await asks("outside", "tcp", host[6], 8184), undefined);
  assert.equal(await asks("outside", "tcp", host[6], 7001), `six-a 81 ${outside[6]}`);
  assert.equal(exec("nsenter", `--net=${inside("six-a")}`, "ip", "-4", "address", "show", "eth0"), "");
});

test("where a network has no IPv6 there is none on its bridge, nor inside", () => {
  const bridge = bridgeOf("four");
  assert.equal(exec("ip", "-6", "address", "show", bridge), "");
  assert.equal(exec("nsenter", `--net=${inside("four-a")}`, "ip", "-6", "address", "show", "eth0"), "");
});

/** Sends a router advertisement with a prefix into a sandbox's network. */
function advertise(name: string): void {
  const prefix = ipToBytes(parseIp("2001:db8:bad::"));
  const advertisement = Buffer.alloc(16 + 32);
  advertisement.writeUInt8(134, 0);
  advertisement.writeUInt8(64, 4);
  advertisement.writeUInt16BE(1800, 6);
  // RFC 4861 §4.6.2: type, length in units of 8 bytes, prefix length, flags on-link and autonomous, both lifetimes.
  advertisement.set([3, 4, 64, 0xc0], 16);
  advertisement.writeUInt32BE(3600, 20);
  advertisement.writeUInt32BE(3600, 24);
  advertisement.set(prefix, 32);
  enterNamespaceAt(inside(name), openOwnNamespace(), () => {
    const icmpv6 = socket(inet6Domain, rawSocket, 58);
    // IPPROTO_IPV6, IPV6_MULTICAST_HOPS: one that has come by a router is not heeded.
    setSocketOption(icmpv6, 41, 18, 255);
    const everybody = Buffer.alloc(28);
    everybody.writeUInt16LE(inet6Domain);
    everybody.set(ipToBytes(parseIp("ff02::1")), 8);
    const { ifindex } = JSON.parse(exec("nsenter", `--net=${inside(name)}`, "ip", "-j", "link", "show", "eth0"))[0];
    everybody.writeUInt32LE(ifindex, 24);
    sendDatagram(icmpv6, advertisement, everybody);
    closeSocket(icmpv6);
  });
}

test("router advertisements from a sandbox are accepted neither by the host nor by others in the network", async () => {
  const bridge = bridgeOf("inner");
  const heeded = (): boolean => exec("ip", "-6", "address", "show", bridge).includes("2001:db8:bad:");
  const others = (): string => exec("nsenter", `--net=${inside("in-b")}`, "ip", "-6", "address");
  // A router heeds none anyway.
  run(`sysctl -qw net.ipv6.conf.${bridge}.forwarding=0`);
  advertise("in-a");
  await setTimeout(300);
  assert.ok(!heeded());
  assert.ok(!others().includes("2001:db8:bad:"));
  assert.ok(!exec("nsenter", `--net=${inside("in-b")}`, "ip", "-6", "route").includes("proto ra"));
  // The advertisement is one that would be heeded.
  run(`sysctl -qw net.ipv6.conf.${bridge}.accept_ra=1`);
  advertise("in-a");
  await setTimeout(300);
  assert.ok(heeded());
  run(`sysctl -qw net.ipv6.conf.${bridge}.accept_ra=0 net.ipv6.conf.${bridge}.forwarding=1`);
});

test("another firewall whose forward policy is drop stops what we let pass, until it lets bridges pass too", async () => {
  exec("nft", "add table inet strict");
  exec("nft", "add chain inet strict forward { type filter hook forward priority 10; policy drop; }");
  try {
    await each(async (family, protocol, words) => {
      assert.equal(await asks("outside", protocol, host[family], 8080), undefined, words);
      assert.equal(await asks("web", protocol, outside[family], 80), undefined, words);
      // The host's own packets are not forwarded.
      assert.match((await asks("host", protocol, host[family], 8080)) ?? "nobody", /^web 80 /, words);
    });
    exec("nft", 'add rule inet strict forward iifname "br-*" accept');
    exec("nft", 'add rule inet strict forward oifname "br-*" accept');
    await each(async (family, protocol, words) => {
      assert.equal(await asks("outside", protocol, host[family], 8080), `web 80 ${outside[family]}`, words);
      assert.equal(await asks("web", protocol, outside[family], 80), `outside 80 ${host[family]}`, words);
      assert.equal(await asks("outside", protocol, ground.address("web", family), 80), undefined, words);
    });
  } finally {
    exec("nft", "delete table inet strict");
  }
});
