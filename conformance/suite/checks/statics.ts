/** static, called as a delegating plugin calls it. */
import { check, group } from "../check.ts";
import { bridge } from "../configuration.ts";
import { equal } from "../expectation.ts";
import { at, type Json, type JsonObject, text } from "../json.ts";
import { addressesOf, routesOf } from "../result.ts";
import type { Call, Trial } from "../trial.ts";

const given = (result: Json): readonly string[] => addressesOf(result).map(({ address }) => address);

const fixed = (t: Trial, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  ipam: {
    type: "static",
    addresses: [{ address: `${t.prefix()}.5/24`, gateway: `${t.prefix()}.1` }],
    routes: [{ dst: "0.0.0.0/0" }],
    dns: { nameservers: ["192.0.2.53"] },
  },
  ...more,
});
const of: Call = { type: "static" };

/** static. */
export const statics = group("static", [
  check(
    "required",
    "addresses, gateways, routes and dns are the result's",
    "reference static",
    ["static"],
    async (t) => {
      const result = await t.add(fixed(t), await t.container(), of);
      equal(given(result), [`${t.prefix()}.5/24`], "addresses");
      equal(addressesOf(result)[0]?.gateway, `${t.prefix()}.1`, "the gateway");
      equal(
        routesOf(result).map((route) => text(route, "dst") ?? ""),
        ["0.0.0.0/0"],
        "routes",
      );
      equal(at(result, "dns", "nameservers"), ["192.0.2.53"], "nameservers");
    },
  ),
  check(
    "required",
    "an address of each family",
    "reference static",
    { types: ["static"], features: ["ipv6"] },
    async (t) => {
      const addresses = [
        { address: `${t.prefix()}.5/24` },
        { address: `${t.prefix6()}::5/64`, gateway: `${t.prefix6()}::1` },
      ];
      equal(
        given(await t.add(fixed(t, { ipam: { type: "static", addresses } }), await t.container(), of)),
        [`${t.prefix()}.5/24`, `${t.prefix6()}::5/64`],
        "addresses",
      );
    },
  ),
  check("required", "CNI_ARGS IP and GATEWAY give an address", "reference static", ["static"], async (t) => {
    const call = { ...of, args: `IgnoreUnknown=1;IP=${t.prefix()}.9/24;GATEWAY=${t.prefix()}.1` };
    const result = await t.add(fixed(t, { ipam: { type: "static" } }), await t.container(), call);
    equal(given(result), [`${t.prefix()}.9/24`], "addresses");
    equal(addressesOf(result)[0]?.gateway, `${t.prefix()}.1`, "the gateway");
  }),
  ...(["runtimeConfig", "args"] as const).map((where) =>
    check(
      "required",
      `ips of ${where === "args" ? "args.cni" : where} stand for the configuration's`,
      "CONVENTIONS; reference static",
      ["static"],
      async (t) => {
        const asked = { ips: [`${t.prefix()}.9/24`] };
        const more = where === "args" ? { args: { cni: asked } } : { runtimeConfig: asked };
        equal(given(await t.add(fixed(t, more), await t.container(), of)), [`${t.prefix()}.9/24`], "addresses");
      },
    ),
  ),
  ...["10.0.0.5", "somewhere/24", "10.0.0.300/24"].map((address) =>
    check("required", `the address "${address}" is refused`, "reference static", ["static"], async (t) => {
      await t.refuses("ADD", fixed(t, { ipam: { type: "static", addresses: [{ address }] } }), await t.container(), of);
    }),
  ),
  check(
    "required",
    "CHECK passes right after ADD, and DEL succeeds without it",
    "CNI 1.1 §2",
    { types: ["static"], since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      await t.check(fixed(t, { prevResult: await t.add(fixed(t), c, of) }), c, of);
      for (const _time of ["first", "second"]) await t.del(fixed(t), c, of);
    },
  ),
  check(
    "required",
    "a bridge gives its container the static address",
    "CNI 1.1 §4",
    ["static", "bridge"],
    async (t) => {
      const c = await t.container();
      await t.add(bridge(t, { ipam: fixed(t)["ipam"] ?? null }), c);
      equal(await c.addresses("eth0"), [`${t.prefix()}.5/24`], "addresses of eth0");
    },
  ),
]);
