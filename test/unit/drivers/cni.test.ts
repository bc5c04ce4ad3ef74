/** What the driver cni makes of options, and what it asks plugins for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../src/address/ip.ts";
import { parseMac } from "../../../src/address/mac.ts";
import { parsePort } from "../../../src/address/port.ts";
import { cni } from "../../../src/drivers/cni/index.ts";
import { isPortolanError } from "../../../src/errors.ts";
import type { NetworkRecord } from "../../../src/store/records.ts";
import { emptyHost, endpointRecord, networkRecord } from "./records.ts";

const source = (options: Readonly<Record<string, string>>): unknown => cni.external?.source({ name: "lan", options });
const record = (...capabilities: readonly string[]): NetworkRecord =>
  networkRecord(
    { driver: "cni", options: { conflist: "/lan" } },
    { ...emptyHost, found: { conflist: "/lan", list: "{}", name: "lan", capabilities } },
  );
const nothing = { aliases: [], publish: [] } as const;

test("options say where list, plugins and results are", () => {
  const options = { conflist: "/x.conflist", "plugin-dir": "/a:/b", "cache-dir": "/c" };
  assert.deepEqual(source(options), { conflist: "/x.conflist", pluginDirectories: ["/a", "/b"], cacheDirectory: "/c" });
  assert.deepEqual(source({ conflist: "/x.conflist" }), { conflist: "/x.conflist" });
  for (const wrong of [
    {},
    { conflist: "x" },
    { ...options, "plugin-dir": "/a:" },
    { conflist: "/x", cachedir: "/c" },
  ]) {
    assert.throws(
      () => source(wrong),
      (error) => isPortolanError(error, "invalid-option"),
    );
  }
});

test("capabilities that the list declares are given what is asked for", () => {
  const all = record("portMappings", "ips", "mac", "aliases");
  const wishes = {
    mac: parseMac("02:00:00:00:00:01"),
    ipv4: parseIp("10.1.0.9"),
    ipv6: parseIp("fd00::9"),
    aliases: ["a", "b"],
    publish: [parsePort("127.0.0.1:8080-8081:80-81/udp")],
  };
  assert.deepEqual(cni.external?.ask(all, wishes), {
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: "udp", hostIP: "127.0.0.1" },
      { hostPort: 8081, containerPort: 81, protocol: "udp", hostIP: "127.0.0.1" },
    ],
    ips: ["10.1.0.9", "fd00::9"],
    mac: "02:00:00:00:00:01",
    aliases: { lan: ["a", "b"] },
  });
  assert.deepEqual(cni.external?.ask(record(), { ...nothing, aliases: ["a"] }), {});
  const { mac, ipv4, publish } = wishes;
  for (const one of [{ mac }, { ipv4 }, { publish }]) {
    assert.throws(
      () => cni.external?.ask(record("aliases"), { ...nothing, ...one }),
      (error) => isPortolanError(error, "invalid-option"),
    );
  }
  for (const text of ["80", "8080-8089:80"]) {
    assert.throws(
      () => cni.external?.ask(all, { ...nothing, publish: [parsePort(text)] }),
      (error) => isPortolanError(error, "invalid-option"),
    );
  }
});

test("default routes that came with an endpoint are offered and not made", () => {
  const external = {
    asked: {},
    defaults: [{ family: 4 as const, gateway: parseIp("10.1.0.1") }, { family: 6 as const }],
  };
  assert.deepEqual(cni.describeJoin(record(), endpointRecord({ external }), "/run/netns/x"), {
    objects: [],
    gatewayIpv4: "10.1.0.1",
    defaultsMade: [4, 6],
  });
});
