/** What plugins read: the body of a call, members of a configuration, what runtimes give beside it, and the routes of address management. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { type BaseCall, readCall, validAttachments } from "../../../src/cni/plugin/call.ts";
import { askedMac, askedPorts } from "../../../src/cni/plugin/capabilities.ts";
import { Fields } from "../../../src/cni/plugin/fields.ts";
import { addressesOf, firstAddress, gatewayOf, isDefault, routesOf } from "../../../src/cni/plugin/routes.ts";
import { readExecution, writeExecution } from "../../../src/cni/plugin/wire.ts";
import { CniError } from "../../../src/cni/protocol/cni-error.ts";
import { readRawObject } from "../../../src/cni/protocol/raw-json.ts";
import { createController } from "../../../src/model/controller.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";
import { silentServices } from "../../support/silent-services.ts";

const fields = (value: unknown): Fields => new Fields(readRawObject(JSON.stringify(value)));
const code = (wanted: number) => (error: unknown) => error instanceof CniError && error.code === wanted;

test("a call comes out of its body as it was put in", () => {
  const text = fc.string({ unit: "binary" }).filter((one) => !one.includes("\0") && one.isWellFormed());
  const name = text.filter((one) => one !== "" && !one.includes("=") && one !== "__proto__");
  const execution = fc.record(
    {
      type: text.filter((one) => one !== ""),
      environment: fc.dictionary(name, text).map((object) => ({ ...object })),
      input: fc.string({ unit: "binary" }).filter((one) => one.isWellFormed()),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(execution, (one) => assert.deepEqual(readExecution(writeExecution(one)), one)));
});

test("what is no body of a call is none", () => {
  for (const text of ["", "bridge", "bridge\0", "bridge\0A=1\0", "bridge\0A=1"]) {
    assert.equal(readExecution(Buffer.from(text)), undefined, JSON.stringify(text));
  }
  assert.deepEqual(readExecution(Buffer.from("bridge\0\0")), { type: "bridge", environment: {}, input: "" });
});

test("members are found without regard to case, null is nothing, and another type is refused by its path", () => {
  const one = fields({
    Name: "a",
    ISGATEWAY: true,
    mtu: 1400,
    nothing: null,
    ipam: { Ranges: [[{ subnet: 3 }]] },
    dns: [],
  });
  assert.equal(one.text("name"), "a");
  assert.equal(one.flag("isGateway"), true);
  assert.equal(one.flag("ipMasq", true), true);
  assert.equal(one.whole("mtu"), 1400);
  assert.deepEqual([one.text("nothing"), one.object("nothing"), one.texts("nothing")], [undefined, undefined, []]);
  assert.ok(one.has("nothing") && !one.has("never"));
  const [[range] = []] = one.object("ipam")?.objectLists("ranges") ?? [];
  assert.throws(() => range?.text("subnet"), /"ipam\.ranges\[0\]\.subnet" is not a text: 3/);
  assert.throws(() => one.object("dns"), code(6));
  assert.throws(() => one.texts("name"), code(6));
  assert.throws(() => one.flag("name"), code(6));
  assert.throws(() => one.whole("name"), code(6));
  assert.throws(() => fields({ mtu: 1.5 }).whole("mtu"), code(6));
  assert.throws(() => fields({ a: [1] }).objects("a"), code(6));
  assert.throws(() => fields({ a: [{}] }).objectLists("a"), code(6));
});

const controller = await createController({
  engine: createMemoryEngine(),
  services: false,
  healing: false,
  thread: silentServices,
});

/** A call of the type bridge about container c1. */
function call(config: object, variables: Readonly<Record<string, string>> = {}) {
  const environment = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c1",
    CNI_NETNS: "/run/netns/c1",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/one::/two",
    ...variables,
  };
  const input = JSON.stringify({ cniVersion: "1.1.0", name: "net", ...config });
  return readCall({ type: "bridge", environment, input }, controller.attachments);
}

/** The same for those that want one about an attachment. */
function attachmentCall(config: object, variables: Readonly<Record<string, string>> = {}) {
  const read = call(config, variables);
  assert.ok(read.command === "ADD");
  return read.call;
}

const baseCall = (config: object): BaseCall => attachmentCall(config);

test("a call is read whole, or refused with the protocol's number", () => {
  const { key, path, version } = attachmentCall({});
  assert.deepEqual(key, { network: "net", containerId: "c1", interfaceName: "eth0" });
  assert.deepEqual([path, version], [["/one", "/two"], "1.1.0"]);
  assert.throws(() => call({ name: "" }), code(7));
  assert.throws(() => call({ name: "a/b" }), code(7));
  assert.throws(() => call({ cniVersion: "9.0.0" }), code(1));
  assert.throws(() => call({ cniVersion: "0.3.1" }, { CNI_COMMAND: "CHECK" }), code(1));
  assert.throws(() => call({ cniVersion: "1.0.0" }, { CNI_COMMAND: "GC" }), code(1));
  assert.throws(() => call({}, { CNI_IFNAME: "" }), code(4));
  assert.equal(call({}, { CNI_COMMAND: "VERSION" }).command, "VERSION");
});

test("valid attachments are found under both keys that there are", () => {
  const list = [{ containerID: "a", ifname: "eth0" }, { containerID: "b" }];
  for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
    assert.deepEqual(validAttachments(baseCall({ [key]: list })), new Set(["a/eth0", "b/"]));
  }
});

test("a MAC address: the runtime's value goes before the metadata's, the arguments' and the configuration's", () => {
  const mac = (last: number): string => `02:00:00:00:00:0${last}`;
  const args = { CNI_ARGS: `MAC=${mac(3)}` };
  const config = { runtimeConfig: { mac: mac(1) }, args: { cni: { mac: mac(2) } } };
  assert.equal(askedMac(attachmentCall(config, args), mac(4)), mac(1));
  assert.equal(askedMac(attachmentCall({ ...config, runtimeConfig: {} }, args), mac(4)), mac(2));
  assert.equal(askedMac(attachmentCall({}, args), mac(4)), mac(3));
  assert.equal(askedMac(attachmentCall({}), mac(4)), mac(4));
  assert.equal(askedMac(attachmentCall({})), undefined);
  assert.throws(() => askedMac(attachmentCall({ runtimeConfig: { mac: "x" } })), code(7));
});

test("ports: everywhere is no address, the protocol is TCP unless it is said, and numbers are ports", () => {
  const asked = (mapping: object) => askedPorts(baseCall({ runtimeConfig: { portMappings: [mapping] } }));
  const range = (port: number) => ({ first: port, last: port });
  for (const hostIP of [undefined, "", "0.0.0.0", "::"]) {
    const [port] = asked({ hostPort: 80, containerPort: 8080, hostIP });
    assert.deepEqual(port, { protocol: "tcp", host: range(80), container: range(8080) });
  }
  const [port] = asked({ hostPort: 53, containerPort: 53, protocol: "UDP", hostIP: "127.0.0.1" });
  assert.deepEqual(port, { protocol: "udp", address: "127.0.0.1", host: range(53), container: range(53) });
  assert.deepEqual(askedPorts(baseCall({})), []);
  for (const wrong of [{ hostPort: 0 }, { hostPort: 65_536 }, { protocol: "icmp" }, { hostPort: -1 }]) {
    assert.throws(() => asked({ hostPort: 80, containerPort: 80, ...wrong }), code(7));
  }
});

test("routes of address management get the gateway of their family, where they name none and are no link's", () => {
  const ips = [{ address: "10.1.0.2/24", gateway: "10.1.0.1" }, { address: "fd00::2/64" }];
  assert.deepEqual(addressesOf(ips), ["10.1.0.2/24", "fd00::2/64"]);
  assert.deepEqual([gatewayOf(ips, 4), gatewayOf(ips, 6)], ["10.1.0.1", undefined]);
  assert.deepEqual(
    routesOf(
      [
        { dst: "0.0.0.0/0" },
        { dst: "10.9.0.0/16", gw: "10.1.0.9", mtu: 1400, advmss: 1300, priority: 5, table: 7 },
        { dst: "10.8.0.0/16", scope: 253 },
        { dst: "fd00:8::/32" },
      ],
      ips,
    ),
    [
      { destination: "0.0.0.0/0", gateway: "10.1.0.1" },
      { destination: "10.9.0.0/16", gateway: "10.1.0.9", mtu: 1400, advertisedMss: 1300, metric: 5, table: 7 },
      { destination: "10.8.0.0/16", scope: "link" },
      { destination: "fd00:8::/32" },
    ],
  );
  assert.throws(() => routesOf([{ dst: "10.8.0.0/16", scope: 9 }], ips), code(7));
  assert.deepEqual([isDefault({ dst: "::/0" }), isDefault({ dst: "10.0.0.0/8" })], [true, false]);
  assert.equal(firstAddress(parseInterfaceAddress("10.1.2.77/23")), "10.1.2.1/23");
  assert.equal(firstAddress(parseInterfaceAddress("fd00::77/64")), "fd00::1/64");
});
