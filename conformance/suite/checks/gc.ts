/** GC and STATUS, which came with 1.1.0. */
import { check, group, type Needs } from "../check.ts";
import { bridge, Chain, hostLocal, routedBridge, validAttachments } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, parse } from "../json.ts";
import { addressesOf, bare } from "../result.ts";
import { settlesTo } from "../settling.ts";
import type { Container } from "../trial.ts";

const needs: Needs = { types: ["bridge", "host-local"], since: "1.1.0" };
const delegated: Needs = { types: ["bridge"], since: "1.1.0" };
const gc = "CNI 1.1 §2 GC";
const status = "CNI 1.1 §2 STATUS";
const kept = (...containers: readonly Container[]) => containers.map(({ id }) => [id, "eth0"] as const);

/** GC and STATUS. */
export const collection = group("gc and status", [
  check("required", "STATUS of a plugin that can do ADD ends with 0 and prints nothing", status, needs, async (t) => {
    const { stdout } = await t.succeeds("STATUS", bridge(t), undefined);
    expect(stdout.trim() === "", `it printed ${stdout}`);
  }),
  check("required", "STATUS asks the IPAM plugin and fails with its code", `${status}, §4`, delegated, async (t) => {
    const recorder = t.recorder();
    await t.succeeds("STATUS", bridge(t, { ipam: { type: "recorder" } }), undefined);
    equal(
      recorder.calls().map(({ command }) => command),
      ["STATUS"],
      "calls of the IPAM plugin",
    );
    for (const wanted of [50, 51]) {
      recorder.answers("STATUS", JSON.stringify({ code: wanted, msg: "the pool's server is away" }), 1);
      const { code } = await t.refuses("STATUS", bridge(t, { ipam: { type: "recorder" } }), undefined);
      expect(code === wanted, `code ${code} instead of ${wanted}`);
    }
  }),
  check("recommended", "STATUS of a plugin whose IPAM plugin is not there fails", status, delegated, async (t) => {
    await t.refuses("STATUS", bridge(t, { ipam: { type: "no-such-plugin" } }), undefined);
  }),
  check(
    "required",
    "STATUS of an IPAM plugin ends with 0",
    status,
    { types: ["host-local"], since: "1.1.0" },
    async (t) => {
      await t.succeeds("STATUS", { cniVersion: t.version, name: t.network, ipam: hostLocal(t) }, undefined, {
        type: "host-local",
      });
    },
  ),
  check("beyond", "STATUS says 50 when every address is given away", status, needs, async (t) => {
    const config = bridge(t, {
      ipam: hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.9`, rangeEnd: `${t.prefix()}.9` }),
    });
    await t.add(config, await t.container());
    const { code } = await t.refuses("STATUS", config, undefined);
    expect(code === 50 || code === 51, `code ${code}`);
  }),
  check("required", "STATUS and GC make nothing", `${status}, GC`, needs, async (t) => {
    const before = await t.atHost().state();
    await t.succeeds("STATUS", bridge(t), undefined);
    await t.succeeds("GC", { ...bridge(t), ...validAttachments([]) }, undefined);
    await settlesTo(t.atHost(), before, "the host");
  }),
  check("required", "GC where nothing ever was succeeds and prints nothing", gc, needs, async (t) => {
    const { stdout } = await t.succeeds("GC", { ...bridge(t), ...validAttachments([["gone", "eth0"]]) }, undefined);
    expect(parse(stdout) === undefined || stdout.trim() === "", `it printed ${stdout}`);
  }),
  check("required", "GC keeps what is listed: it works on", gc, needs, async (t) => {
    const [a, b, host] = [await t.container(), await t.container(), t.atHost()];
    await t.add(bridge(t), a);
    const result = await t.add(bridge(t), b);
    const before = await host.state();
    await new Chain(t, [bridge(t)]).gc(kept(a, b));
    await settlesTo(host, before, "the host");
    await b.listen("tcp", 8000);
    const answer = await a.dial("tcp", bare(addressesOf(result)[0]?.address ?? ""), 8000, { timeout: 3000 });
    expect(answer?.name === b.name, "the containers do not reach each other");
  }),
  check("required", "GC gives back the address of what is not listed", gc, needs, async (t) => {
    const config = bridge(t, {
      ipam: hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.9`, rangeEnd: `${t.prefix()}.9` }),
    });
    const c = await t.container();
    await t.add(config, c);
    await c.vanish();
    await new Chain(t, [config]).gc([]);
    await t.add(config, await t.container());
  }),
  check(
    "required",
    "GC removes what an attachment that is not listed has on the host",
    gc,
    { ...needs, features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t, { ipMasq: true })]);
      const [anchor, c, host] = [await t.container(), await t.container(), t.atHost()];
      await chain.add(anchor);
      const before = await host.state();
      await chain.add(c);
      await c.vanish();
      await chain.gc(kept(anchor));
      await settlesTo(host, before, "the host", "vanished");
    },
  ),
  check(
    "recommended",
    "GC removes an attachment that is not listed from a namespace that lives",
    gc,
    needs,
    async (t) => {
      const c = await t.container();
      await t.add(bridge(t), c);
      await new Chain(t, [bridge(t)]).gc([]);
      expect((await c.link("eth0")) === undefined, "eth0 is there");
    },
  ),
  check("required", "GC tells a container's interfaces apart", gc, needs, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c);
    const second = await t.add(bridge(t), c, { ifname: "eth1" });
    await new Chain(t, [bridge(t)]).gc([[c.id, "eth1"]]);
    expect((await c.link("eth1")) !== undefined, "the listed interface is gone");
    equal(await c.addresses("eth1"), [addressesOf(second)[0]?.address ?? ""], "addresses of eth1");
  }),
  check("required", "GC of one network leaves the others alone", gc, needs, async (t) => {
    const other = {
      ...bridge(t),
      name: `${t.network}-other`,
      bridge: t.link("bs"),
      ipam: hostLocal(t, { subnet: t.subnet(1) }),
    };
    const [a, b, host] = [await t.container(), await t.container(), t.atHost()];
    await t.add(bridge(t), a);
    const before = await host.state();
    await t.add(other, b);
    const both = await host.state();
    await new Chain(t, [{ ...bridge(t) }]).gc(kept(a));
    await settlesTo(host, both, "the host");
    expect(before.length < both.length, "the other network made nothing");
    expect((await b.link("eth0")) !== undefined, "the other network's container has lost its interface");
  }),
  check("required", "GC again succeeds", gc, needs, async (t) => {
    await t.add(bridge(t), await t.container());
    for (const _time of ["first", "second"]) await new Chain(t, [bridge(t)]).gc([]);
  }),
  check("required", "GC calls the IPAM plugin with GC and the same list", `${gc}, §4`, delegated, async (t) => {
    const recorder = t.recorder();
    const list = validAttachments([
      ["abc", "eth0"],
      ["def", "net1"],
    ]);
    await t.succeeds("GC", { ...bridge(t, { ipam: { type: "recorder" } }), ...list }, undefined);
    equal(
      recorder.calls().map(({ command }) => command),
      ["GC"],
      "calls of the IPAM plugin",
    );
    equal(
      at(parse(recorder.calls()[0]?.stdin ?? ""), "cni.dev/valid-attachments"),
      list["cni.dev/valid-attachments"],
      "the list that it gets",
    );
  }),
  check(
    "recommended",
    "GC goes on when the IPAM plugin's GC fails, and says so at the end",
    `${gc}: continue through errors`,
    delegated,
    async (t) => {
      const recorder = t.recorder();
      recorder.answers(
        "ADD",
        JSON.stringify({ cniVersion: "1.0.0", ips: [{ address: `${t.prefix()}.7/24`, gateway: `${t.prefix()}.1` }] }),
      );
      const config = bridge(t, { ipam: { type: "recorder" } });
      const c = await t.container();
      await t.add(config, c);
      recorder.answers("GC", '{"code": 111, "msg": "away"}', 1);
      await t.refuses("GC", { ...config, ...validAttachments([]) }, undefined);
      expect((await c.link("eth0")) === undefined, "eth0 is there");
    },
  ),
  check(
    "required",
    "GC of an IPAM plugin gives back what is not listed and keeps what is",
    gc,
    { types: ["host-local"], since: "1.1.0" },
    async (t) => {
      const ipam = hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.8`, rangeEnd: `${t.prefix()}.9` });
      const config = { cniVersion: t.version, name: t.network, ipam };
      const [a, b] = [await t.container(), await t.container()];
      const of = { type: "host-local" };
      const first = await t.add(config, a, of);
      await t.add(config, b, of);
      await t.succeeds("GC", { ...config, ...validAttachments(kept(b)) }, undefined, of);
      const again = await t.add(config, await t.container(), of);
      equal(addressesOf(again)[0]?.address, addressesOf(first)[0]?.address ?? "", "the address that is free again");
      await t.refuses("ADD", config, await t.container(), of);
    },
  ),
  check(
    "required",
    "GC of portmap removes the ports of what is not listed and keeps those of what is",
    gc,
    { types: ["bridge", "host-local", "portmap"], since: "1.1.0", features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t), { type: "portmap", capabilities: { portMappings: true } }]);
      const [a, b, host] = [await t.container(), await t.container(), t.atHost()];
      const mapped = (hostPort: number) => ({
        capabilities: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
      });
      await chain.add(a, mapped(8081));
      const before = await host.state();
      await chain.add(b, mapped(8082));
      await b.vanish();
      await chain.gc(kept(a));
      await settlesTo(host, before, "the host", "vanished");
      await a.listen("tcp", 80);
      expect(
        (await host.dial("tcp", `${t.prefix()}.1`, 8081, { timeout: 3000 }))?.name === a.name,
        "the kept port does not work",
      );
    },
  ),
  check("beyond", "GC understands cni.dev/attachments, which libcni once wrote", "libcni #1101", needs, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c);
    await t.succeeds("GC", { ...bridge(t), "cni.dev/attachments": [{ containerID: c.id, ifname: "eth0" }] }, undefined);
    expect((await c.link("eth0")) !== undefined, "the listed interface is gone");
  }),
]);
