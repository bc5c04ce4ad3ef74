/** host-local, called as a delegating plugin calls it. */
import { check, type Entry, group, type Level } from "../check.ts";
import { hostLocal } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, type JsonObject } from "../json.ts";
import { addressesOf, bare, routesOf } from "../result.ts";
import type { Call, Container, Trial } from "../trial.ts";

const types = ["host-local"];
const reference = "reference host-local";

/** Asks host-local for an address. */
const ask = (t: Trial, ipam: JsonObject, c: Container, call: Call = {}, more: JsonObject = {}): Promise<JsonObject> =>
  t.add(configuration(t, ipam, more), c, { type: "host-local", ...call });

const configuration = (t: Trial, ipam: JsonObject, more: JsonObject = {}): JsonObject => ({
  cniVersion: t.version,
  name: t.network,
  ipam,
  ...more,
});

const give = (t: Trial, ipam: JsonObject, c: Container, call: Call = {}): Promise<void> =>
  t.del(configuration(t, ipam), c, { type: "host-local", ...call });

const given = (result: Json): readonly string[] => addressesOf(result).map(({ address }) => address);

/** Addresses until there are no more, each for a container id of its own. */
const drain = async (t: Trial, ipam: JsonObject, limit = 20): Promise<readonly string[]> => {
  const c = await t.container();
  const found: string[] = [];
  for (let n = 0; n < limit; n++) {
    const { status, stdout } = await t.call("ADD", configuration(t, ipam), c, {
      type: "host-local",
      environment: { CNI_CONTAINERID: `drain${n}` },
    });
    if (status !== 0) break;
    found.push(...given(JSON.parse(stdout) as Json).map(bare));
  }
  return found;
};

const range = (t: Trial, from: number, to: number, more: JsonObject = {}): JsonObject =>
  hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.${from}`, rangeEnd: `${t.prefix()}.${to}`, ...more });

const refuses = (words: string, ipam: (t: Trial) => JsonObject, level: Level = "recommended"): Entry =>
  check(level, `host-local refuses ${words}`, reference, types, async (t) => {
    await t.refuses("ADD", configuration(t, hostLocal(t, ipam(t))), await t.container(), { type: "host-local" });
  });

/** The ways in which an address is asked for: CNI_ARGS, args.cni.ips and runtimeConfig.ips. */
const requests: Readonly<Record<string, (address: string) => { readonly call: Call; readonly more: JsonObject }>> = {
  "CNI_ARGS IP": (address) => ({ call: { args: `IgnoreUnknown=1;IP=${address}` }, more: {} }),
  "args.cni.ips": (address) => ({ call: {}, more: { args: { cni: { ips: [address] } } } }),
  "runtimeConfig.ips": (address) => ({ call: {}, more: { runtimeConfig: { ips: [address] } } }),
};

/** host-local. */
export const ipam = group("host-local", [
  check("required", "the first address of a subnet is .2, and the gateway .1", reference, types, async (t) => {
    const result = await ask(t, hostLocal(t), await t.container());
    equal(given(result), [`${t.prefix()}.2/24`], "addresses");
    equal(addressesOf(result)[0]?.gateway, `${t.prefix()}.1`, "the gateway");
  }),
  check("required", "a range is given out from its start to its end", reference, types, async (t) => {
    equal(
      await drain(t, range(t, 20, 22)),
      [20, 21, 22].map((n) => `${t.prefix()}.${n}`),
      "addresses",
    );
  }),
  check("required", "network, gateway and broadcast addresses are never given out", reference, types, async (t) => {
    const found = await drain(t, hostLocal(t, { subnet: `${t.prefix()}.8/29` }));
    equal(
      [...found].toSorted(),
      [10, 11, 12, 13, 14].map((n) => `${t.prefix()}.${n}`),
      "addresses of a /29",
    );
  }),
  check(
    "required",
    "a gateway of the configuration is the result's and is not given out",
    reference,
    types,
    async (t) => {
      const ipam = hostLocal(t, { subnet: `${t.prefix()}.8/29`, gateway: `${t.prefix()}.12` });
      const found = await drain(t, ipam);
      equal(
        [...found].toSorted(),
        [10, 11, 13, 14, 9].map((n) => `${t.prefix()}.${n}`),
        "addresses of a /29",
      );
    },
  ),
  check(
    "required",
    "when no address is left the error says so, with a code of its own",
    `${reference}; CNI 1.1 §5 Error`,
    types,
    async (t) => {
      const c = await t.container();
      await ask(t, range(t, 9, 9), c);
      const { code, msg } = await t.refuses("ADD", configuration(t, range(t, 9, 9)), await t.container(), {
        type: "host-local",
      });
      expect(code === 11 || code >= 100, `code ${code} means something else`);
      expect(/no .*(address|ip)|exhaust|(address|ip).* (left|available|free)/i.test(msg), `the message is ${msg}`);
    },
  ),
  check("required", "an address that is given back can be given again", reference, types, async (t) => {
    const [a, b] = [await t.container(), await t.container()];
    await ask(t, range(t, 9, 9), a);
    await give(t, range(t, 9, 9), a);
    equal(given(await ask(t, range(t, 9, 9), b)), [`${t.prefix()}.9/24`], "addresses");
  }),
  check("required", "an address that is given back is not the next one to be given", reference, types, async (t) => {
    const c = await t.container();
    const first = given(await ask(t, hostLocal(t), c));
    await give(t, hostLocal(t), c);
    const second = given(await ask(t, hostLocal(t), c));
    expect(first[0] !== second[0], `${first[0]} again`);
  }),
  check("required", "DEL of what has no address succeeds, again and again", "CNI 1.1 §2 DEL", types, async (t) => {
    const c = await t.container();
    await give(t, hostLocal(t), c);
    await ask(t, hostLocal(t), c);
    for (const _time of ["first", "second"]) await give(t, hostLocal(t), c);
  }),
  check("required", "DEL takes only the address of its own container and interface", reference, types, async (t) => {
    const [a, b] = [await t.container(), await t.container()];
    const ipam = range(t, 10, 12);
    await ask(t, ipam, a);
    await ask(t, ipam, a, { ifname: "eth1" });
    await ask(t, ipam, b);
    await give(t, ipam, a, { ifname: "eth1" });
    equal(await drain(t, ipam), [`${t.prefix()}.11`], "addresses that are free");
  }),
  check(
    "required",
    "DEL succeeds in any circumstances: without a namespace, with an empty one, with one that vanished",
    "CNI 1.1 §2 DEL",
    types,
    async (t) => {
      const ipam = range(t, 9, 9);
      const c = await t.container();
      for (const netns of [undefined, "", "/run/netns/vanished"]) {
        await ask(t, ipam, c);
        await give(t, ipam, c, { environment: { CNI_NETNS: netns } });
      }
    },
  ),
  check(
    "recommended",
    "a second ADD for the same container and interface is refused, and the first address stays",
    reference,
    types,
    async (t) => {
      const c = await t.container();
      await ask(t, range(t, 10, 11), c);
      await t.refuses("ADD", configuration(t, range(t, 10, 11)), c, { type: "host-local" });
      equal(await drain(t, range(t, 10, 11)), [`${t.prefix()}.11`], "addresses that are free");
    },
  ),
  check("required", "one container gets an address for each of its interfaces", reference, types, async (t) => {
    const c = await t.container();
    const [first, second] = [await ask(t, hostLocal(t), c), await ask(t, hostLocal(t), c, { ifname: "eth1" })];
    expect(given(first)[0] !== given(second)[0], "both interfaces have the same address");
  }),
  check("required", "each list of ranges gives one address", reference, { types, features: ["ipv6"] }, async (t) => {
    const ranges = [[{ subnet: t.subnet() }], [{ subnet: `${t.prefix6()}::/64` }], [{ subnet: t.subnet(1) }]];
    equal(
      given(await ask(t, hostLocal(t, { ranges }), await t.container())),
      [`${t.prefix()}.2/24`, `${t.prefix6()}::2/64`, `${t.prefix(1)}.2/24`],
      "addresses",
    );
  }),
  check(
    "required",
    "ranges of one list are used one after another, with what lies between left out",
    reference,
    types,
    async (t) => {
      const part = (from: number, to: number) => ({
        subnet: t.subnet(),
        rangeStart: `${t.prefix()}.${from}`,
        rangeEnd: `${t.prefix()}.${to}`,
      });
      equal(
        await drain(t, hostLocal(t, { ranges: [[part(10, 11), part(20, 21)]] })),
        [10, 11, 20, 21].map((n) => `${t.prefix()}.${n}`),
        "addresses",
      );
    },
  ),
  check(
    "required",
    "when one of several lists has no address left, none of the others loses one",
    reference,
    types,
    async (t) => {
      const part = (index: number, from: number, to: number) => [
        { subnet: t.subnet(index), rangeStart: `${t.prefix(index)}.${from}`, rangeEnd: `${t.prefix(index)}.${to}` },
      ];
      const ipam = hostLocal(t, { ranges: [part(0, 10, 12), part(1, 10, 10)] });
      const c = await t.container();
      await ask(t, ipam, c);
      for (const _time of [1, 2, 3])
        await t.refuses("ADD", configuration(t, ipam), await t.container(), { type: "host-local" });
      await give(t, ipam, c);
      await ask(t, ipam, await t.container());
    },
  ),
  check(
    "required",
    "IPv6 ranges are given out from their start",
    reference,
    { types, features: ["ipv6"] },
    async (t) => {
      const ipam = hostLocal(t, {
        subnet: `${t.prefix6()}::/64`,
        rangeStart: `${t.prefix6()}::ff`,
        rangeEnd: `${t.prefix6()}::101`,
      });
      equal(
        await drain(t, ipam),
        ["ff", "100", "101"].map((last) => `${t.prefix6()}::${last}`),
        "addresses",
      );
    },
  ),
  check("required", "routes of the configuration are the result's", reference, types, async (t) => {
    const result = await ask(
      t,
      hostLocal(t, { routes: [{ dst: "0.0.0.0/0" }, { dst: "198.51.100.0/24", gw: `${t.prefix()}.7` }] }),
      await t.container(),
    );
    equal([...routesOf(result)], [{ dst: "0.0.0.0/0" }, { dst: "198.51.100.0/24", gw: `${t.prefix()}.7` }], "routes");
  }),
  check("recommended", "resolvConf is read into dns", reference, types, async (t) => {
    await t.host.shell("printf 'nameserver 192.0.2.54\\nsearch example.com\\noptions ndots:3\\n' > /run/resolv.conf");
    const result = await ask(t, hostLocal(t, { resolvConf: "/run/resolv.conf" }), await t.container());
    equal(at(result, "dns"), { nameservers: ["192.0.2.54"], search: ["example.com"], options: ["ndots:3"] }, "dns");
  }),
  check("required", "networks of different names do not share addresses", reference, types, async (t) => {
    const [a, b] = [await t.container(), await t.container()];
    await ask(t, range(t, 9, 9), a);
    await t.add({ ...configuration(t, range(t, 9, 9)), name: `${t.network}-other` }, b, { type: "host-local" });
  }),
  ...Object.entries(requests).flatMap(([way, request]) => [
    check("required", `an address asked for by ${way} is given`, `CONVENTIONS; ${reference}`, types, async (t) => {
      const { call, more } = request(`${t.prefix()}.77`);
      equal(given(await ask(t, hostLocal(t), await t.container(), call, more)), [`${t.prefix()}.77/24`], "addresses");
    }),
    check(
      "required",
      `an address asked for by ${way} that is taken, out of range or the gateway is refused`,
      `CONVENTIONS; ${reference}`,
      types,
      async (t) => {
        const taken = request(`${t.prefix()}.77`);
        await ask(t, hostLocal(t), await t.container(), taken.call, taken.more);
        for (const address of [`${t.prefix()}.77`, "172.31.0.5", `${t.prefix()}.1`]) {
          const { call, more } = request(address);
          await t.refuses("ADD", configuration(t, hostLocal(t), more), await t.container(), {
            type: "host-local",
            ...call,
          });
        }
      },
    ),
  ]),
  check("recommended", "an address asked for with a prefix length is the same", "CONVENTIONS ips", types, async (t) => {
    const result = await ask(
      t,
      hostLocal(t),
      await t.container(),
      {},
      { runtimeConfig: { ips: [`${t.prefix()}.77/24`] } },
    );
    equal(given(result), [`${t.prefix()}.77/24`], "addresses");
  }),
  check(
    "required",
    "runtimeConfig.ipRanges gives addresses of its own, before those of the configuration",
    `CONVENTIONS ipRanges; ${reference}`,
    types,
    async (t) => {
      const result = await ask(
        t,
        hostLocal(t),
        await t.container(),
        {},
        { runtimeConfig: { ipRanges: [[{ subnet: t.subnet(5) }]] } },
      );
      equal(given(result), [`${t.prefix(5)}.2/24`, `${t.prefix()}.2/24`], "addresses");
    },
  ),
  check(
    "required",
    "CHECK passes while the address is given away and fails after",
    "CNI 1.1 §2 CHECK",
    { types, since: "0.4.0" },
    async (t) => {
      const c = await t.container();
      const checked = configuration(t, hostLocal(t), { prevResult: await ask(t, hostLocal(t), c) });
      await t.check(checked, c, { type: "host-local" });
      await give(t, hostLocal(t), c);
      await t.refuses("CHECK", checked, c, { type: "host-local" });
    },
  ),
  refuses("a subnet that is none", () => ({ subnet: "10.0.0.0" }), "required"),
  refuses("a subnet with host bits", () => ({ subnet: "10.0.0.5/24" })),
  refuses("a subnet of two addresses", () => ({ subnet: "10.0.0.0/31" })),
  refuses("a range that starts outside its subnet", (t) => ({ subnet: t.subnet(), rangeStart: "172.31.0.5" })),
  refuses("a range that ends before it starts", (t) => ({
    subnet: t.subnet(),
    rangeStart: `${t.prefix()}.9`,
    rangeEnd: `${t.prefix()}.5`,
  })),
  refuses("a gateway that is no address", (t) => ({ subnet: t.subnet(), gateway: "router" })),
  refuses("lists of ranges that overlap", (t) => ({
    ranges: [[{ subnet: t.subnet() }], [{ subnet: `${t.prefix()}.128/25` }]],
  })),
  refuses("both families in one list of ranges", (t) => ({
    ranges: [[{ subnet: t.subnet() }, { subnet: `${t.prefix6()}::/64` }]],
  })),
  refuses("no range at all", () => ({ ranges: [] })),
]);
