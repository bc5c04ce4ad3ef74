import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bridge } from "../../../src/drivers/bridge/index.ts";
import { readEndpointOptions } from "../../../src/drivers/endpoint-options.ts";
import { sysctlsOf } from "../../../src/drivers/interface-sysctls.ts";
import { isPortolanError } from "../../../src/errors.ts";
import { endpointRecord, networkRecord, pool4, pool6 } from "./records.ts";

const prefix = "com.docker.network";
const sysctls = `${prefix}.endpoint.sysctls`;
const read = (options: Readonly<Record<string, string>>) => readEndpointOptions("bridge", options);

test("every option is read into what it means", () => {
  assert.deepEqual(
    read({
      [`${prefix}.endpoint.ifname`]: "shop0",
      [`${prefix}.endpoint.macaddress`]: "02-42-0A-01-00-02",
      [sysctls]: "net.ipv4.conf.IFNAME.log_martians=1, net.ipv6.neigh.IFNAME.gc_stale_time=030",
      [`${prefix}.portmap`]: "8080:80, 127.0.0.1:53:53/udp",
      [`${prefix}.endpoint.exposedports`]: "80,53/udp,5000-5010",
      [`${prefix}.endpoint.dnsservers`]: "192.0.2.53, 2001:DB8::53",
    }),
    {
      interfaceName: "shop0",
      mac: "02:42:0a:01:00:02",
      sysctls: { "net.ipv4.conf.IFNAME.log_martians": "1", "net.ipv6.neigh.IFNAME.gc_stale_time": "30" },
      publish: [
        { protocol: "tcp", host: { first: 8080, last: 8080 }, container: { first: 80, last: 80 } },
        { protocol: "udp", address: "127.0.0.1", host: { first: 53, last: 53 }, container: { first: 53, last: 53 } },
      ],
      exposed: [
        { protocol: "tcp", ports: { first: 80, last: 80 } },
        { protocol: "udp", ports: { first: 53, last: 53 } },
        { protocol: "tcp", ports: { first: 5000, last: 5010 } },
      ],
      nameservers: ["192.0.2.53", "2001:db8::53"],
    },
  );
  assert.deepEqual(read({}), {});
});

for (const [key, text, advice] of [
  ["endpoint.macaddress", "01:00:5e:00:00:01", /six octets/],
  ["portmap", "8080:80,", /write \[ADDRESS/],
  ["portmap", "", /write \[ADDRESS/],
  ["endpoint.exposedports", "0", /PORT\[-PORT\]/],
  ["endpoint.dnsservers", "192.0.2.53;192.0.2.54", /give an address/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME.log_martians", /NAME=VALUE/],
  ["endpoint.sysctls", "", /NAME=VALUE/],
  ["endpoint.sysctls", "net.ipv4.conf.eth0.log_martians=1", /IFNAME/],
  ["endpoint.sysctls", "net.ipv4.conf.all.log_martians=1", /IFNAME/],
  ["endpoint.sysctls", "net.ipv4.ip_forward=1", /IFNAME/],
  ["endpoint.sysctls", "net.core.IFNAME.x=1", /IFNAME/],
  ["endpoint.sysctls", "kernel.conf.IFNAME.x=1", /IFNAME/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME=1", /IFNAME/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME.x/../y=1", /IFNAME/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME.log_martians=", /value of one line/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME.log_martians=1\n2", /value of one line/],
  ["endpoint.sysctls", "net.ipv4.conf.IFNAME.x=1,net.ipv4.conf.IFNAME.x=2", /twice/],
] as const) {
  test(`${key} cannot be ${JSON.stringify(text)}`, () => {
    const option = `${prefix}.${key}`;
    assert.throws(() => read({ [option]: text }), { code: "invalid-option", object: `option "${option}"`, advice });
  });
}

test("an unknown endpoint option is refused, and the nearest one named", () => {
  assert.throws(() => read({ [`${prefix}.endpoint.sysctl`]: "x" }), {
    code: "invalid-option",
    advice: /did you mean "com\.docker\.network\.endpoint\.sysctls"/,
  });
});

test("whatever text is given, sysctls are settings of the one interface", () => {
  const part = fc.constantFrom(
    "net",
    "ipv4",
    "ipv6",
    "mpls",
    "conf",
    "neigh",
    "IFNAME",
    "all",
    "x",
    "..",
    "/",
    "",
    "=1",
  );
  const text = fc.array(fc.oneof(part, fc.string({ maxLength: 3 })), { maxLength: 12 }).map((parts) => parts.join("."));
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        text.map((one) => `net.ipv4.conf.IFNAME.${one}=1`),
      ),
      (given) => {
        try {
          for (const [name] of sysctlsOf(read({ [sysctls]: given }).sysctls ?? {}, "eth0.10"))
            assert.match(name, /^net\/(ipv4|ipv6|mpls)\/(conf|neigh)\/eth0\.10\/[a-z0-9_]+$/);
        } catch (error) {
          assert.ok(isPortolanError(error, "invalid-option"), String(error));
        }
      },
    ),
  );
});

const both = { enableIpv6: true, ipam: { driver: "default", options: {}, pools: [pool4, pool6] } } as const;

test("whether there is IPv6 inside is the network's to say", () => {
  const given = (value: string) => ({ options: { [sysctls]: `net.ipv6.conf.IFNAME.disable_ipv6=${value}` } });
  assert.throws(() => bridge.readEndpoint(networkRecord(), given("0")), { code: "invalid-option", message: /no IPv6/ });
  assert.throws(() => bridge.readEndpoint(networkRecord(both), given("1")), { code: "invalid-option" });
  bridge.readEndpoint(networkRecord(), given("1"));
  bridge.readEndpoint(networkRecord(both), given("0"));
});

test("a sysctl that is asked for takes the place of the driver's own", () => {
  const endpoint = endpointRecord({
    sysctls: { "net.ipv6.conf.IFNAME.accept_ra": "2", "net.ipv4.conf.IFNAME.x": "7" },
  });
  const { objects } = bridge.describeJoin(networkRecord(both), endpoint, "/run/portolan/netns/web");
  const set = objects.flatMap((object) => (object.kind === "sysctl" ? [`${object.name}=${object.value}`] : []));
  assert.deepEqual(set, [
    "net/ipv6/conf/eth0/disable_ipv6=0",
    "net/ipv6/conf/eth0/accept_ra=2",
    "net/ipv6/conf/eth0/autoconf=0",
    "net/ipv6/conf/eth0/accept_dad=0",
    "net/ipv4/conf/eth0/x=7",
  ]);
});
