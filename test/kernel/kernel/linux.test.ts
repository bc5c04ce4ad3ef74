/** The seam's real implementation: namespaces, links, sysctls and files as the kernel has them. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ipv4Address, Ipv6Address } from "../../../src/address/ip.ts";
import { type Kernel, KernelError } from "../../../src/kernel/kernel.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { createLink, deleteLink, dumpLinks, setLink } from "../../../src/kernel/netlink/route/link.ts";
import { arpProbe } from "../../../src/kernel/packet/arp.ts";
import { decodeEthernet, encodeEthernet } from "../../../src/kernel/packet/ethernet.ts";
import { neighbourAnnouncement } from "../../../src/kernel/packet/neighbour-discovery.ts";
import { enterTestHost, exec, run, temporaryDirectory } from "../../support/test-host.ts";

enterTestHost();

function kernelFor(t: TestContext): Kernel {
  const kernel = createKernel();
  t.after(() => kernel.close());
  return kernel;
}

const ip = (text: string): Ipv4Address => text as Ipv4Address; // written here as one

const refusedWith = (code: string) => (error: unknown) => error instanceof KernelError && error.refusal.code === code;

test("a namespace is made with its directories, worked in, and dropped", (t) => {
  const kernel = kernelFor(t);
  const path = "/run/one/two/box";
  assert.equal(kernel.namespaceExists(path), false);
  kernel.createNamespace(path);
  assert.equal(kernel.namespaceExists(path), true);
  assert.throws(() => kernel.createNamespace(path), refusedWith("EEXIST"));
  assert.deepEqual(kernel.send(path, "route", [createLink({ name: "inside0", data: { kind: "bridge" } })]), [
    undefined,
  ]);
  assert.match(exec("nsenter", `--net=${path}`, "ip", "link"), /inside0/);
  assert.doesNotMatch(run("ip link"), /inside0/);
  kernel.dropNamespace(path);
  assert.equal(existsSync(path), false);
  assert.throws(() => kernel.dump(path, "route", dumpLinks()), refusedWith("ENOENT"));
  kernel.dropNamespace(path);
});

test("a file that is no namespace is none, and nothing is done in it", (t) => {
  const kernel = kernelFor(t);
  writeFileSync("/run/plain", "");
  assert.equal(kernel.namespaceExists("/run/plain"), false);
  assert.equal(kernel.namespaceExists("/proc/self/ns/mnt"), false);
  assert.throws(() => kernel.dump("/run/plain", "route", dumpLinks()), KernelError);
  // The thread is where it was.
  assert.equal(kernel.linkIndex("host", "lo"), 1);
});

test("a path that leads to another namespace than before is followed", async (t) => {
  const kernel = kernelFor(t);
  run("ip netns add moving");
  const path = "/run/netns/moving";
  kernel.send(path, "route", [createLink({ name: "first0", data: { kind: "bridge" } })]);
  run("ip netns delete moving");
  run("ip netns add moving");
  await sleep(5);
  assert.throws(() => kernel.linkIndex(path, "first0"), refusedWith("ENODEV"));
  run("ip netns delete moving");
});

test("a namespace that nothing else holds is freed once it is forgotten", async (t) => {
  const kernel = kernelFor(t);
  run("ip netns add held");
  kernel.send("/run/netns/held", "route", [
    createLink({ name: "veth9", data: { kind: "veth", peer: { name: "veth8" } } }),
  ]);
  exec("nsenter", "--net=/run/netns/held", "ip", "link", "set", "veth9", "netns", String(process.pid));
  run("ip netns delete held");
  assert.match(run("ip link"), /veth9/, "its descriptor is held");
  kernel.forgetNamespaces();
  for (let tries = 0; tries < 100 && run("ip link").includes("veth9"); tries++) await sleep(20);
  assert.doesNotMatch(run("ip link"), /veth9/, "the other end went with its namespace");
});

test("the index of a link is found by its name in its namespace", (t) => {
  const kernel = kernelFor(t);
  kernel.send("host", "route", [createLink({ name: "fifteen-letters", data: { kind: "bridge" } })]);
  const index = kernel.linkIndex("host", "fifteen-letters");
  assert.equal(JSON.parse(run("ip -j link show fifteen-letters"))[0].ifindex, index);
  assert.throws(() => kernel.linkIndex("host", "none0"), refusedWith("ENODEV"));
  // Cut to what fits it would be found.
  assert.throws(() => kernel.linkIndex("host", "fifteen-letters-and-more"), refusedWith("ENODEV"));
  kernel.send("host", "route", [deleteLink({ index })]);
});

test("messages of one send are carried out each for itself, and each refusal is at its place", (t) => {
  const kernel = kernelFor(t);
  const made = createLink({ name: "dup0", data: { kind: "bridge" } });
  const answers = kernel.send("host", "route", [
    made,
    made,
    setLink({ name: "none0" }, { up: true }),
    deleteLink({ name: "dup0" }),
  ]);
  assert.deepEqual(
    answers.map((refusal) => refusal?.code),
    [undefined, "EEXIST", "ENODEV", undefined],
  );
  assert.doesNotMatch(run("ip link"), /dup0/);
});

test("a send of thousands of messages is answered one by one", (t) => {
  const kernel = kernelFor(t);
  const answers = kernel.send(
    "host",
    "route",
    Array.from({ length: 3000 }, (_, i) =>
      i % 2 === 0 ? setLink({ name: "lo" }, { up: true }) : deleteLink({ name: "none0" }),
    ),
  );
  assert.equal(answers.length, 3000);
  assert.ok(answers.every((refusal, i) => (i % 2 === 0 ? refusal === undefined : refusal?.code === "ENODEV")));
});

test("sysctls are those of the namespace, by dotted or slashed name", (t) => {
  const kernel = kernelFor(t);
  run("ip netns add tuned");
  const path = "/run/netns/tuned";
  const before = kernel.readSysctl("host", "net.ipv4.ip_forward");
  kernel.writeSysctl(path, "net/ipv4/ip_forward", before === "1" ? "0" : "1");
  assert.equal(kernel.readSysctl("host", "net/ipv4/ip_forward"), before);
  assert.notEqual(kernel.readSysctl(path, "net.ipv4.ip_forward"), before);
  assert.equal(kernel.readSysctl("host", "net.ipv4.no_such_thing"), undefined);
  assert.throws(() => kernel.writeSysctl("host", "net.ipv4.no_such_thing", "1"), refusedWith("ENOENT"));
  assert.throws(() => kernel.writeSysctl("host", "net.ipv4.ip_forward", "maybe"), refusedWith("EINVAL"));
  for (const name of ["../../etc/passwd", "net..ipv4", "", "net/./ipv4"])
    assert.throws(() => kernel.readSysctl("host", name), refusedWith("EINVAL"), name);
  run("ip netns delete tuned");
});

test("files are written in place or replaced whole, with their mode, and an empty directory goes with the last", (t) => {
  const kernel = kernelFor(t);
  using directory = temporaryDirectory();
  const path = join(directory.path, "sub", "hosts");
  assert.equal(kernel.readFile(path), undefined);
  kernel.writeFile(path, "one\n", 0o640);
  assert.deepEqual(kernel.readFile(path), { content: "one\n", mode: 0o640 });
  const { ino } = statSync(path);
  kernel.writeFile(path, "two\n", 0o600);
  assert.equal(statSync(path).ino, ino, "what is bound to it goes on leading to it");
  assert.deepEqual(kernel.readFile(path), { content: "two\n", mode: 0o600 });
  kernel.writeFile(path, "three\n", 0o600, "replace");
  assert.notEqual(statSync(path).ino, ino, "whoever reads the old one reads all of it");
  assert.equal(readFileSync(path, "utf8"), "three\n");
  kernel.removeFile(path);
  assert.equal(existsSync(join(directory.path, "sub")), false);
  kernel.removeFile(path);
  writeFileSync(join(directory.path, "plain"), "");
  assert.throws(() => kernel.writeFile(join(directory.path, "plain", "file"), "", 0o600), KernelError);
});

test("a packet socket sends by one link, hears address resolution and nothing else, and tells what is wrong with the link", async (t) => {
  const kernel = kernelFor(t);
  run("ip netns add peer");
  t.after(() => run("ip netns delete peer"));
  run("ip link add packets0 type veth peer name eth0 netns peer");
  assert.throws(() => kernel.openPackets("/run/netns/peer", "eth7", "send"), refusedWith("ENODEV"));
  assert.throws(() => kernel.openPackets("/run/netns/none", "eth0", "send"), refusedWith("ENOENT"));
  const out = kernel.openPackets("/run/netns/peer", "eth0", "send");
  assert.throws(() => out.send([arpProbe(out.mac, ip("10.1.0.7"))]), refusedWith("ENETDOWN"));
  run("ip link set packets0 up");
  // Without an IPv6 address of its own: the kernel would ask from the same MAC whether anybody has it.
  run("ip -n peer link set eth0 up addrgenmode none");
  const heard = kernel.openPackets("host", "packets0", "listen");
  const probe = arpProbe(out.mac, ip("10.1.0.7"));
  const announcement = neighbourAnnouncement(out.mac, "fd00::7" as Ipv6Address);
  const other = encodeEthernet({ destination: heard.mac, source: out.mac, type: 0x0800, payload: new Uint8Array(46) });
  out.send([other, probe, other, announcement, Uint8Array.from([...announcement.subarray(0, 54), 128])]);
  await sleep(20);
  const own = heard.receive().filter((frame) => decodeEthernet(frame)?.source === out.mac);
  assert.deepEqual(own, [Uint8Array.from(probe), Uint8Array.from(announcement)]);
  assert.deepEqual(heard.receive(), []);
  run("ip link delete packets0");
  assert.throws(() => out.send([probe]), refusedWith("ENXIO"));
  heard.close();
  out.close();
});
