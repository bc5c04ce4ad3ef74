/** What becomes of packets in rulesets that the tools of others write: nft, iptables by nftables, iptables-legacy. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createKernel } from "../../../src/kernel/linux.ts";
import { askRuleset, type PacketAnswer } from "../../../src/state/ruleset/ask.ts";
import type { TrialPacket } from "../../../src/state/ruleset/packet.ts";
import { enterTestHost, exec, missing, run } from "../../support/test-host.ts";

enterTestHost();
run("ip link add out0 type veth peer name out1");
run("ip link add br-one type bridge");
const kernel = createKernel();
const skip = missing("nft");

/** A connection that a container begins. */
const leaving: TrialPacket = {
  hook: "forward",
  family: 4,
  protocol: "tcp",
  input: "br-one",
  output: "out0",
  translated: false,
  local: false,
};
/** One that comes to a published port. */
const published: TrialPacket = { ...leaving, input: "out0", output: "br-one", port: 80, translated: true };
/** The same before its destination is translated. */
const arriving: TrialPacket = {
  hook: "prerouting",
  family: 4,
  protocol: "tcp",
  input: "out0",
  port: 8080,
  translated: false,
  local: true,
};

const ask = (packet: TrialPacket): PacketAnswer =>
  askRuleset(kernel, { packets: [packet], except: ["portolan"], landmarks: ["DOCKER-USER"] });
/** Which base chains drop it for certain. */
const drops = (packet: TrialPacket): readonly string[] =>
  ask(packet).fates.flatMap(({ dropped }) =>
    dropped.map(({ family, table, chain, policy, legacy }) =>
      [family, table, chain, ...(policy ? ["policy"] : []), ...(legacy ? ["legacy"] : [])].join(" "),
    ),
  );
const translates = (packet: TrialPacket): readonly string[] =>
  ask(packet).fates.flatMap(({ translated }) =>
    translated.map(({ family, table, chain, certain }) => `${family} ${table} ${chain} ${certain}`),
  );

afterEach(() => {
  run("nft flush ruleset");
});

const nft = (rules: string): string => exec("nft", rules);
/** A table `inet t` whose chain `f` hangs on forward. */
const forward = (rules: string, policy = "drop"): string =>
  nft(`table inet t { chain f { type filter hook forward priority 0; policy ${policy}; ${rules}; }; }`);

const policy = ["inet t f policy"];

test("an empty ruleset drops nothing", { skip }, () => {
  assert.deepEqual(drops(leaving), []);
});

/** Rules of a chain with policy drop, and whether a connection that a container begins is dropped for certain. */
const cases: readonly (readonly [rules: string, dropped: boolean])[] = [
  ["", true],
  ["accept", false],
  ["counter accept", false],
  ['iifname "br-one" accept', false],
  ['iifname "br-*" accept', false],
  ['iifname "br-two" accept', true],
  ['iifname "br-on" accept', true],
  ['iifname != "br-two" accept', false],
  ['oifname "out0" accept', false],
  ['oif "out0" accept', false],
  ['iif "out0" accept', true],
  ['oifname { "out0", "out7" } accept', false],
  ['iifname { "out0", "out7" } accept', true],
  ['iifname . oifname { "br-one" . "out0" } accept', false],
  ['iifname . oifname { "br-two" . "out0" } accept', true],
  ["ct state established,related accept", true],
  ["ct state { established, related } accept", true],
  ["ct state new accept", false],
  ["ct state vmap { established : accept, related : accept, invalid : drop }", true],
  ["ct state vmap { new : accept, invalid : drop }", false],
  ["ct status dnat accept", true],
  ["meta nfproto ipv6 accept", true],
  ["meta nfproto ipv4 accept", false],
  ["meta l4proto { tcp, udp } accept", false],
  ["meta l4proto udp accept", true],
  ["ip protocol tcp accept", false],
  ["ip protocol icmp accept", true],
  ["icmp type echo-request accept", true],
  ["tcp dport 80 accept", false],
  ["udp dport 80 accept", true],
  ["ip saddr 10.0.0.0/8 accept", false],
  ["limit rate 3/minute log", true],
  ["limit rate 3/minute accept", false],
  ['log prefix "x" counter meta mark set 7', true],
  ["meta mark 7 accept", false],
  ["fib daddr type local accept", true],
  ["fib saddr type local accept", false],
  ['iifname "br-one" reject', true],
];

for (const [rules, dropped] of cases) {
  test(`policy drop behind "${rules}": ${dropped ? "dropped" : "not dropped, or not for certain"}`, { skip }, () => {
    forward(rules);
    assert.deepEqual(drops(leaving).length > 0, dropped);
  });
}

test("a rule that drops is told from a policy", { skip }, () => {
  forward('iifname "br-one" drop', "accept");
  assert.deepEqual(drops(leaving), ["inet t f"]);
  assert.deepEqual(drops(published), []);
});

test("a packet comes back from chains that do not decide", { skip }, () => {
  nft(`table inet t {
    chain allow { iifname "br-two" accept; }
    chain deny { jump allow; return; drop; }
    chain away { goto allow; }
    chain f { type filter hook forward priority 0; policy drop; jump allow; jump deny; goto away; accept; };
  }`);
  assert.deepEqual(drops(leaving), policy);
  nft('insert rule inet t allow iifname "br-one" accept');
  assert.deepEqual(drops(leaving), []);
});

test("maps of verdicts lead on", { skip }, () => {
  nft(`table inet t {
    chain inside { accept; }
    chain f { type filter hook forward priority 0; policy drop; iifname vmap { "br-one" : jump inside, "lo" : accept }; };
  }`);
  assert.deepEqual(drops(leaving), []);
  assert.deepEqual(drops(published), policy);
});

test("the engine's own table, tables of the other family and other hooks do not count", { skip }, () => {
  const chain = "chain f { type filter hook forward priority 0; policy drop; }";
  nft(`table inet portolan { ${chain}; }; table ip6 six { ${chain}; }`);
  nft("table inet t { chain i { type filter hook input priority 0; policy drop; }; }");
  assert.deepEqual(drops(leaving), []);
  assert.deepEqual(drops({ ...leaving, family: 6 }), ["ip6 six f policy"]);
});

test("a connection that was translated is told from others", { skip }, () => {
  forward("ct status dnat accept");
  assert.deepEqual(drops(published), []);
  assert.deepEqual(drops(leaving), policy);
});

test("who leads a port elsewhere is found, for certain or perhaps", { skip }, () => {
  nft(`table ip n {
    map services { type inet_service : ipv4_addr; elements = { 9000 : 192.0.2.9 }; }
    chain p { type nat hook prerouting priority -110; tcp dport 8080 dnat to 192.0.2.7:80; tcp dport 8443 redirect to :443; dnat to tcp dport map @services; }
  }`);
  assert.deepEqual(translates(arriving), ["ip n p true"]);
  assert.deepEqual(translates({ ...arriving, port: 8443 }), ["ip n p true"]);
  assert.deepEqual(translates({ ...arriving, port: 9000 }), ["ip n p true"]);
  assert.deepEqual(translates({ ...arriving, port: 8081 }), []);
  assert.deepEqual(translates({ ...arriving, protocol: "udp" }), []);
  nft("flush chain ip n p; add rule ip n p ip daddr 192.0.2.1 tcp dport 8080 dnat to 192.0.2.7");
  assert.deepEqual(translates(arriving), ["ip n p false"]);
});

for (const flavour of ["iptables-nft", "iptables-legacy"] as const) {
  const program = (family: 4 | 6): string => (family === 4 ? flavour : flavour.replace("ip", "ip6"));
  for (const family of [4, 6] as const) {
    const iptables = (line: string): string => exec(program(family), ...line.split(" "));
    const legacy = flavour === "iptables-legacy";
    const dropped = [`${family === 4 ? "ip" : "ip6"} filter FORWARD policy${legacy ? " legacy" : ""}`];
    const [out, into, door] = [leaving, published, arriving].map((packet) => ({ ...packet, family }));

    test(`${program(family)}: what rules and policies drop`, { skip: skip || missing(program(family)) }, (t) => {
      assert.ok(out && into && door);
      t.after(() => {
        for (const table of ["filter", "nat"]) {
          iptables(`-t ${table} -F`);
          iptables(`-t ${table} -X`);
        }
        iptables("-P FORWARD ACCEPT");
      });
      iptables("-P FORWARD DROP");
      assert.deepEqual(drops(out), dropped);
      iptables("-N DOCKER-USER");
      iptables("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
      iptables("-A FORWARD -p icmp -j ACCEPT");
      iptables("-A FORWARD -p udp -m udp --dport 53 -j ACCEPT");
      iptables("-A FORWARD -m limit --limit 3/minute -j LOG");
      iptables("-A FORWARD -j DOCKER-USER");
      iptables("-A FORWARD -i br-two ! -o br-two -j ACCEPT");
      assert.deepEqual(drops(out), dropped);
      assert.deepEqual(drops(into), dropped);
      assert.deepEqual(ask(out).fates[0]?.dropped[0]?.landmarks, ["DOCKER-USER"]);
      iptables("-I DOCKER-USER -i br-one -j ACCEPT");
      assert.deepEqual(drops(out), []);
      assert.deepEqual(drops(into), dropped);
      iptables("-I DOCKER-USER -p tcp -m multiport --dports 79,80:90 -m comment --comment x -j ACCEPT");
      assert.deepEqual(drops(into), []);
      assert.deepEqual(drops({ ...into, port: 91 }), dropped);
      iptables("-I FORWARD -o br+ -j REJECT");
      assert.deepEqual(
        drops(into),
        dropped.map((line) => line.replace(" policy", "")),
      );
      iptables(
        "-I FORWARD -s 192.0.2.0/24 -j ACCEPT".replace("192.0.2.0/24", family === 4 ? "192.0.2.0/24" : "2001:db8::/32"),
      );
      assert.deepEqual(drops(into), [], "somebody's packets pass");
      const lead = `-t nat -A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination`;
      iptables(`${lead} ${family === 4 ? "192.0.2.7:80" : "[2001:db8::7]:80"}`);
      assert.deepEqual(translates(door), [`${family === 4 ? "ip" : "ip6"} nat PREROUTING true`]);
      assert.deepEqual(translates({ ...door, port: 8081 }), []);
      assert.equal(ask(out).legacy.length, legacy ? 2 : 0);
    });
  }
}
