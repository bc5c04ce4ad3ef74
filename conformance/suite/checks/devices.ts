/** host-device, which takes a device of the host, and loopback. */
import { check, type Entry, group } from "../check.ts";
import { after, hostLocal, parentLink } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { type JsonObject, list, text } from "../json.ts";
import type { Container, Trial } from "../trial.ts";

const device = (t: Trial, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  type: "host-device",
  device: t.link("pa"),
  ...more,
});

/** Taking a device of the host. */
const takes = async (
  t: Trial,
  more: JsonObject = {},
): Promise<{ readonly c: Container; readonly result: JsonObject }> => {
  await parentLink(t);
  const c = await t.container();
  return { c, result: await t.add(device(t, more), c) };
};

const returns = (name: string, end: (t: Trial, c: Container, config: JsonObject) => Promise<void>): Entry =>
  check(
    "required",
    `host-device: ${name} gives the device back under its own name`,
    "reference host-device",
    ["host-device"],
    async (t) => {
      const { c, result } = await takes(t);
      await end(t, c, after(device(t), result));
      expect(
        (await t.atHost().link(t.link("pa"))) !== undefined,
        `the host has ${(await t.atHost().links()).join(", ")}`,
      );
    },
  );

/** Devices that are there already. */
export const devices = group("devices", [
  check(
    "required",
    "host-device: a device of the host becomes the container's interface, up",
    "reference host-device",
    { types: ["host-device"], since: "0.3.0" },
    async (t) => {
      const { c, result } = await takes(t);
      expect(list(await c.link("eth0"), "flags").includes("UP"), "eth0 is not up");
      expect((await t.atHost().link(t.link("pa"))) === undefined, "the host still has the device");
      equal(
        list(result, "interfaces").map((item) => text(item, "name") ?? ""),
        ["eth0"],
        "interfaces of the result",
      );
    },
  ),
  check(
    "required",
    "host-device: a device is found by its MAC address",
    "reference host-device",
    ["host-device"],
    async (t) => {
      await parentLink(t);
      const c = await t.container();
      const { device: _none, ...config } = device(t, {
        hwaddr: text(await t.atHost().link(t.link("pa")), "address") ?? "",
      });
      await t.add(config, c);
      expect((await t.atHost().link(t.link("pa"))) === undefined, "the host still has the device");
      expect((await c.link("eth0")) !== undefined, "the container has no eth0");
    },
  ),
  check(
    "required",
    "host-device: an address of the IPAM plugin is the device's",
    "reference host-device",
    ["host-device", "host-local"],
    async (t) => {
      const { c } = await takes(t, { ipam: hostLocal(t) });
      equal(await c.addresses("eth0"), [`${t.prefix()}.2/24`], "addresses of eth0");
    },
  ),
  check(
    "required",
    "host-device: a device that is not there is refused",
    "reference host-device",
    ["host-device"],
    async (t) => {
      await t.refuses("ADD", device(t, { device: "nowhere0" }), await t.container());
    },
  ),
  check(
    "required",
    "host-device: a configuration that names no device is refused",
    "reference host-device",
    ["host-device"],
    async (t) => {
      await t.refuses("ADD", device(t, { device: "" }), await t.container());
    },
  ),
  returns("DEL", (t, c, config) => t.del(config, c)),
  returns("DEL without prevResult", (t, c) => t.del(device(t), c)),
  ...["again", "after the namespace vanished", "with an empty CNI_NETNS"].map((how) =>
    check("required", `host-device: DEL ${how} succeeds`, "CNI 1.1 §2 DEL", ["host-device"], async (t) => {
      const { c, result } = await takes(t);
      const config = after(device(t), result);
      if (how === "again") await t.del(config, c);
      if (how === "after the namespace vanished") await c.vanish();
      await t.del(config, c, how === "with an empty CNI_NETNS" ? { environment: { CNI_NETNS: "" } } : {});
    }),
  ),
  check(
    "recommended",
    "host-device: DEL with an empty CNI_NETNS gives the address back",
    "CNI 1.1 §2 DEL; containernetworking/cni #1167",
    ["host-device", "host-local"],
    async (t) => {
      const ipam = hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.9`, rangeEnd: `${t.prefix()}.9` });
      const { c, result } = await takes(t, { ipam });
      await t.del(after(device(t, { ipam }), result), c, { environment: { CNI_NETNS: "" } });
      await t.add({ cniVersion: t.version, name: t.network, ipam }, await t.container(), { type: "host-local" });
    },
  ),
  check(
    "required",
    "loopback: DEL succeeds with lo up, down and without a namespace",
    "CNI 1.1 §2 DEL",
    ["loopback"],
    async (t) => {
      const c = await t.container();
      const config = { cniVersion: t.version, name: t.network, type: "loopback" };
      await t.add(config, c, { ifname: "lo" });
      for (const _time of ["first", "second"]) await t.del(config, c, { ifname: "lo" });
      await c.vanish();
      await t.del(config, c, { ifname: "lo" });
      await t.del(config, c, { ifname: "lo", environment: { CNI_NETNS: "" } });
    },
  ),
]);
