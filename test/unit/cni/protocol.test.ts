/** What CNI says, both ways: environments, versions, results, errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CniError, errorJson } from "../../../src/cni/protocol/cni-error.ts";
import { readEnvironment } from "../../../src/cni/protocol/environment.ts";
import { type CniResult, emptyResult, readResult, resultJson } from "../../../src/cni/protocol/result.ts";
import { atLeast, newest, readVersion, versionAnswer, versions } from "../../../src/cni/protocol/version.ts";

const add = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/one",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin:/usr/lib/cni",
} as const;

test("an environment says what is asked of which attachment", () => {
  const CNI_ARGS = "IgnoreUnknown=1;K8S_POD_NAME=web;MAC=02:00:00:00:00:01;IP=10.1.0.9;STRANGE=1";
  assert.deepEqual(readEnvironment({ ...add, CNI_ARGS }), {
    command: "ADD",
    path: ["/opt/cni/bin", "/usr/lib/cni"],
    attachment: { containerId: "c1", interfaceName: "eth0", namespace: "/run/netns/one" },
    args: { ips: ["10.1.0.9"], mac: "02:00:00:00:00:01", podName: "web" },
  });
  assert.deepEqual(readEnvironment({ CNI_COMMAND: "VERSION" }), { command: "VERSION" });
  assert.deepEqual(readEnvironment({ CNI_COMMAND: "GC", CNI_PATH: "/a" }), { command: "GC", path: ["/a"] });
});

for (const [what, environment] of [
  ["without a namespace", { ...add, CNI_COMMAND: "DEL", CNI_NETNS: undefined }],
  ["with an empty one", { ...add, CNI_COMMAND: "DEL", CNI_NETNS: "" }],
] as const)
  test(`a DEL ${what} is one`, () => {
    const call = readEnvironment(environment);
    assert.ok(call.command === "DEL" && call.attachment.namespace === undefined);
  });

for (const [what, change, code, message] of [
  ["no command", { CNI_COMMAND: undefined }, 4, "required env variables [CNI_COMMAND] missing"],
  ["an unknown command", { CNI_COMMAND: "FOO" }, 4, "unknown CNI_COMMAND: FOO"],
  ["no container id", { CNI_CONTAINERID: "" }, 4, "required env variables [CNI_CONTAINERID] missing"],
  ["no namespace", { CNI_NETNS: "" }, 4, "required env variables [CNI_NETNS] missing"],
  ["a strange container id", { CNI_CONTAINERID: "a/b" }, 4, "invalid characters in containerID"],
  ["a long interface name", { CNI_IFNAME: "a".repeat(16) }, 4, "interface name is too long"],
  ["a dot for an interface name", { CNI_IFNAME: ".." }, 4, "interface name is . or .."],
  ["a slash in an interface name", { CNI_IFNAME: "a/b" }, 4, /contains \/ or :/],
  ["a relative namespace", { CNI_NETNS: "one" }, 4, /not an absolute path/],
  ["an unknown argument", { CNI_ARGS: "FOO=x" }, 999, 'ARGS: unknown args ["FOO=x"]'],
  ["an argument without a value", { CNI_ARGS: "FOO" }, 4, /invalid pair/],
] as const)
  test(`${what} is refused as the reference plugins do`, () => {
    assert.throws(() => readEnvironment({ ...add, ...change }), { name: "CniError", code, message });
  });

test("a version is one of those that are spoken, 0.1.0 where none is said", () => {
  for (const version of versions) assert.equal(readVersion(version), version);
  assert.equal(readVersion(undefined), "0.1.0");
  assert.throws(() => readVersion("9.9.9"), { code: 1, details: /config is "9\.9\.9", plugin supports \["0\.1\.0"/ });
  assert.ok(atLeast("1.0.0", "0.4.0") && !atLeast("0.3.1", "0.4.0"));
  assert.deepEqual(versionAnswer, { cniVersion: newest, supportedVersions: versions });
});

test("an error is told with its number, and the version where there is one", () => {
  assert.deepEqual(errorJson(new CniError(7, "bad", "why"), "1.0.0"), {
    cniVersion: "1.0.0",
    code: 7,
    msg: "bad",
    details: "why",
  });
  assert.deepEqual(errorJson(new CniError(4, "bad")), { code: 4, msg: "bad" });
});

const result: CniResult = {
  interfaces: [
    { name: "cni0", mac: "02:00:00:00:00:01" },
    { name: "eth0", mac: "02:00:00:00:00:02", mtu: 1400, sandbox: "/run/netns/one" },
  ],
  ips: [
    { address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 1 },
    { address: "fd00:1::2/64", interface: 1 },
  ],
  routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1", mtu: 1300, scope: 0 }],
  dns: { nameservers: ["10.1.0.1"] },
};

test("each version has its form of a result", () => {
  const old = {
    ip4: { ip: "10.1.0.2/24", gateway: "10.1.0.1", routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }] },
    ip6: { ip: "fd00:1::2/64" },
    dns: result.dns,
  };
  for (const version of ["0.1.0", "0.2.0"] as const)
    assert.deepEqual(resultJson(result, version), { cniVersion: version, ...old });
  const interfaces = [result.interfaces[0], { name: "eth0", mac: "02:00:00:00:00:02", sandbox: "/run/netns/one" }];
  const routes = [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }];
  const [first, second] = result.ips;
  const ips = [
    { version: "4", ...first },
    { version: "6", ...second },
  ];
  for (const version of ["0.3.0", "0.3.1", "0.4.0"] as const)
    assert.deepEqual(resultJson(result, version), { cniVersion: version, interfaces, ips, routes, dns: result.dns });
  assert.deepEqual(resultJson(result, "1.0.0"), {
    cniVersion: "1.0.0",
    interfaces,
    ips: result.ips,
    routes,
    dns: result.dns,
  });
  assert.deepEqual(resultJson(result, "1.1.0"), { cniVersion: "1.1.0", ...result });
});

test("a result without addresses has no form in the oldest versions", () => {
  assert.throws(() => resultJson(emptyResult, "0.2.0"), { name: "CniError", message: /no valid IP addresses/ });
});

test("a result of every version is read; what a version cannot say is lost, and nothing else", () => {
  assert.deepEqual(readResult(resultJson(result, "1.1.0")), result);
  for (const version of versions) {
    const { ips, dns } = readResult(resultJson(result, version));
    assert.deepEqual(
      ips.map(({ address, gateway }) => [address, gateway]),
      result.ips.map(({ address, gateway }) => [address, gateway]),
    );
    assert.deepEqual(dns, result.dns);
  }
  assert.deepEqual(readResult(null), emptyResult);
});

test("whatever is read as a result, nothing but the typed error is thrown", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      try {
        readResult(json);
      } catch (error) {
        assert.ok(error instanceof CniError);
      }
    }),
  );
});

test("whatever an environment holds, nothing but the typed error is thrown", () => {
  const name = fc.constantFrom("CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH");
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), fc.constantFrom("ADD", "DEL", "GC", "X"), (given, CNI_COMMAND) => {
      try {
        readEnvironment({ CNI_COMMAND, ...given });
      } catch (error) {
        assert.ok(error instanceof CniError);
      }
    }),
  );
});
