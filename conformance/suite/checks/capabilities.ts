/** What runtimes ask for beside the configuration: capability arguments, CNI_ARGS and args.cni. */
import { check, type Entry, group } from "../check.ts";
import { bridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type JsonObject, list, text } from "../json.ts";
import { addressesOf } from "../result.ts";
import type { Call, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const conventions = "CONVENTIONS";
const mac = "02:00:00:00:00:42";

/** ADD that leads to a MAC address of the interface. */
const leadsTo = (name: string, wanted: string, asked: JsonObject, call: Call = {}): Entry =>
  check("required", name, `${conventions} mac; reference bridge`, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t, asked), c, call);
    equal(text(await c.link("eth0"), "address"), wanted, "eth0's MAC address");
  });

const accepts = (name: string, reference: string, runtimeConfig: (t: Trial) => JsonObject): Entry =>
  check("required", name, reference, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t, { capabilities: { aliases: true, dns: true }, runtimeConfig: runtimeConfig(t) }), c);
    expect((await c.link("eth0")) !== undefined, "there is no eth0");
  });

/** Requests of runtimes. */
export const capabilities = group("capabilities", [
  leadsTo("runtimeConfig.mac is the interface's MAC address", mac, { runtimeConfig: { mac } }),
  leadsTo("CNI_ARGS MAC is the interface's MAC address", mac, {}, { args: `IgnoreUnknown=1;MAC=${mac}` }),
  leadsTo("args.cni.mac is the interface's MAC address", mac, { args: { cni: { mac } } }),
  leadsTo(
    "args.cni.mac goes before CNI_ARGS",
    mac,
    { args: { cni: { mac } } },
    { args: "IgnoreUnknown=1;MAC=02:00:00:00:00:01" },
  ),
  leadsTo(
    "runtimeConfig.mac goes before args.cni and CNI_ARGS",
    mac,
    { runtimeConfig: { mac }, args: { cni: { mac: "02:00:00:00:00:02" } } },
    { args: "IgnoreUnknown=1;MAC=02:00:00:00:00:01" },
  ),
  check(
    "required",
    "the result holds the MAC address that was asked for",
    conventions,
    { types: net, since: "0.3.0" },
    async (t) => {
      const result = await t.add(bridge(t, { runtimeConfig: { mac } }), await t.container());
      equal(
        list(result, "interfaces")
          .filter((item) => text(item, "name") === "eth0")
          .map((item) => text(item, "mac") ?? ""),
        [mac],
        "the MAC address of eth0",
      );
    },
  ),
  check("required", "a MAC address that is none is refused", conventions, net, async (t) => {
    await t.refuses("ADD", bridge(t, { runtimeConfig: { mac: "not a mac" } }), await t.container());
  }),
  check("required", "runtimeConfig.ips passes through to the IPAM plugin", `${conventions} ips`, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t, { runtimeConfig: { ips: [`${t.prefix()}.77`] } }), c);
    equal(await c.addresses("eth0"), [`${t.prefix()}.77/24`], "addresses of eth0");
  }),
  check("required", "CNI_ARGS IP passes through to the IPAM plugin", "podman", net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c, { args: `IgnoreUnknown=1;K8S_POD_NAME=web;IP=${t.prefix()}.77;MAC=${mac}` });
    equal(await c.addresses("eth0"), [`${t.prefix()}.77/24`], "addresses of eth0");
    equal(text(await c.link("eth0"), "address"), mac, "eth0's MAC address");
  }),
  check(
    "required",
    "runtimeConfig.ipRanges passes through to the IPAM plugin",
    `${conventions} ipRanges`,
    net,
    async (t) => {
      const c = await t.container();
      const { ipam: _own, ...config } = bridge(t);
      await t.add(
        {
          ...config,
          ipam: { type: "host-local", dataDir: `${t.directory}/host-local` },
          runtimeConfig: { ipRanges: [[{ subnet: t.subnet(3) }]] },
        },
        c,
      );
      equal(await c.addresses("eth0"), [`${t.prefix(3)}.2/24`], "addresses of eth0");
    },
  ),
  accepts("aliases as a list are accepted", `${conventions} aliases`, () => ({ aliases: ["web", "www"] })),
  accepts("aliases by network, as podman sends them, are accepted", "podman 4", (t) => ({
    aliases: { [t.network]: ["web", "0123456789ab"] },
  })),
  accepts("dns of the runtime is accepted", `${conventions} dns`, () => ({
    dns: { servers: ["192.0.2.53"], searches: ["example.org"], options: [] },
  })),
  accepts("capability arguments that nobody knows are ignored", "CNI 1.1 §3", () => ({
    "org.example/new": [1],
    bandwidth: null,
  })),
  check(
    "required",
    "a plugin without capability arguments gives what its configuration says",
    "containerd's ctr passes none",
    [...net, "portmap"],
    async (t) => {
      const c = await t.container();
      const prevResult = await t.add(bridge(t), c);
      const result = await t.add(
        { cniVersion: t.version, name: t.network, type: "portmap", capabilities: { portMappings: true }, prevResult },
        c,
      );
      equal(addressesOf(result)[0]?.address, addressesOf(prevResult)[0]?.address ?? "", "the address");
      equal(at(result, "cniVersion"), t.version, "cniVersion");
    },
  ),
]);
