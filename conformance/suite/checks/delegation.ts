/** Plugins called by plugins: what they are given, whose answer counts, and what happens when they fail. */
import { check, group, type Needs } from "../check.ts";
import { after, bridge, hostLocal } from "../configuration.ts";
import { canonical, equal, expect } from "../expectation.ts";
import { type JsonObject, parse, text } from "../json.ts";
import type { Recorder } from "../lab/recorder.ts";
import { addressesOf, routesOf } from "../result.ts";
import { linksBecome, settlesTo } from "../settling.ts";
import type { Call, Container, Trial } from "../trial.ts";
import { atLeast, type Version } from "../versions.ts";

const net: Needs = { types: ["bridge"] };
const both = ["bridge", "host-local"];
const delegation = "CNI 1.1 §4";
const skel = "reference plugins, libcni";

/** What an IPAM plugin answers, in the form of a version. */
const answer = (t: Trial, version: Version = t.version, last = 7): JsonObject => {
  const [address, gateway] = [`${t.prefix()}.${last}/24`, `${t.prefix()}.1`];
  const family = atLeast(version, "1.0.0") ? {} : { version: "4" };
  return atLeast(version, "0.3.0")
    ? { cniVersion: version, ips: [{ ...family, address, gateway }], routes: [{ dst: "198.51.100.0/24", gw: gateway }] }
    : { cniVersion: version, ip4: { ip: address, gateway, routes: [{ dst: "198.51.100.0/24", gw: gateway }] } };
};

/** A bridge whose IPAM plugin is one of the suite's own, which answers well. */
const recorded = (t: Trial, more: JsonObject = {}): { readonly recorder: Recorder; readonly config: JsonObject } => {
  const recorder = t.recorder();
  recorder.answers("ADD", JSON.stringify(answer(t)));
  return { recorder, config: bridge(t, { ipam: { type: "recorder" }, ...more }) };
};

/** The configuration's text with something in it that a careless reader changes. */
const withText = (config: JsonObject, raw: string): Buffer =>
  Buffer.from(JSON.stringify(config).replace(/}$/, `,"org.example/raw":${raw}}`));

const unchanged = (name: string, raw: string, readBack: RegExp) =>
  check(
    "required",
    `a delegated plugin gets ${name} as they stand in the configuration`,
    "CNI 1.1 §4: the full configuration",
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      const { status, stdout } = await t.call("ADD", withText(config, raw), await t.container(), { type: "bridge" });
      expect(status === 0, `ADD ended with ${status}: ${stdout}`);
      const [call] = recorder.calls("ADD");
      expect(call !== undefined && readBack.test(call.stdin), `it was given ${call?.stdin}`);
    },
  );

/** ADD that fails after the IPAM plugin succeeded: the address is given back, and nothing of the interface is left. */
const givesBack = (
  name: string,
  prepare: (t: Trial, c: Container) => Promise<JsonObject | undefined>,
  call: Call = {},
) =>
  check(
    "recommended",
    `ADD that fails because ${name} gives the address back by DEL and leaves no interface`,
    "CNI 1.1 §4",
    net,
    async (t) => {
      const c = await t.container();
      const before = await c.links();
      const { recorder, config } = recorded(t);
      const changes = await prepare(t, c);
      const there = [...new Set([...before, ...(await c.links())])];
      if (changes?.["answer"] !== undefined) recorder.answers("ADD", JSON.stringify(changes["answer"]));
      await t.refuses("ADD", { ...config, ...changes, answer: null }, c, call);
      // One that finds out before it asks for an address owes nothing.
      if (recorder.calls("ADD").length > 0)
        expect(recorder.calls("DEL").length > 0, "the IPAM plugin was called with ADD and not with DEL");
      await linksBecome(c, there, "links of the container");
    },
  );

/** Plugins called by plugins. */
export const delegations = group("delegation", [
  unchanged("integers above 2^53", "9007199254740993", /"org\.example\/raw":\s*9007199254740993\b/),
  unchanged(
    "numbers of many digits",
    "[0.10000000000000000000000001,1e400]",
    /\[\s*0\.10000000000000000000000001,\s*1e400\s*\]/i,
  ),
  unchanged("texts of any script", '"\\u00fc ü 🧭 \\ud83e\\udded"', /ü 🧭 (🧭|\\ud83e\\udded)"/i),
  unchanged(
    "nested objects and nulls",
    '{"a":[{"b":null},[],{}],"":0}',
    /\{\s*"a":\s*\[\s*\{\s*"b":\s*null\s*\},\s*\[\],\s*\{\}\s*\],\s*"":\s*0\s*\}/,
  ),
  check("required", "a delegated plugin gets the whole configuration", delegation, net, async (t) => {
    const { recorder, config } = recorded(t, {
      ipam: { type: "recorder", own: { key: [1, 2] } },
      args: { cni: { ips: ["10.0.0.1"] } },
    });
    await t.add(config, await t.container());
    equal(parse(recorder.calls("ADD")[0]?.stdin ?? ""), config, "its configuration");
  }),
  check("required", "a delegated plugin gets the caller's environment", delegation, net, async (t) => {
    const { recorder, config } = recorded(t);
    const c = await t.container();
    await t.add(config, c, {
      args: "IgnoreUnknown=1;A=b",
      ifname: "net5",
      environment: { SOME_VARIABLE: "of the runtime" },
    });
    const given = recorder.calls("ADD")[0]?.environment ?? {};
    equal(
      {
        ...Object.fromEntries(
          ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "SOME_VARIABLE"].map((key) => [
            key,
            given[key] ?? "nothing",
          ]),
        ),
      },
      {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: c.id,
        CNI_NETNS: c.netns ?? "",
        CNI_IFNAME: "net5",
        CNI_ARGS: "IgnoreUnknown=1;A=b",
        SOME_VARIABLE: "of the runtime",
      },
      "its environment",
    );
    expect((given["CNI_PATH"] ?? "").includes(recorder.directory), `CNI_PATH is ${given["CNI_PATH"]}`);
  }),
  ...(["CHECK", "DEL"] as const).map((command) =>
    check(
      "required",
      `${command} calls the IPAM plugin with ${command}`,
      delegation,
      { ...net, since: "0.4.0" },
      async (t) => {
        const { recorder, config } = recorded(t);
        const c = await t.container();
        const result = await t.add(config, c);
        recorder.forget();
        await t.succeeds(command, after(config, result), c);
        equal(
          recorder.calls().map((call) => call.command),
          [command],
          "calls of the IPAM plugin",
        );
      },
    ),
  ),
  check("required", "CHECK fails when the IPAM plugin's does", delegation, { ...net, since: "0.4.0" }, async (t) => {
    const { recorder, config } = recorded(t);
    const c = await t.container();
    const result = await t.add(config, c);
    recorder.answers("CHECK", '{"code": 123, "msg": "lost"}', 1);
    await t.refuses("CHECK", after(config, result), c);
  }),
  check(
    "required",
    "ADD fails when the IPAM plugin's does, and passes its code and words on",
    `${delegation}; ${skel}`,
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      recorder.answers("ADD", '{"code": 111, "msg": "the pool is dry", "details": "of 10.0.0.0/8"}', 1);
      const { code, msg } = await t.refuses("ADD", config, await t.container());
      expect(code === 111 && msg.includes("the pool is dry"), `code ${code}: ${msg}`);
    },
  ),
  check(
    "recommended",
    "code 11, try again later, of the IPAM plugin stays code 11",
    "CNI 1.1 §5 Error",
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      recorder.answers("ADD", '{"code": 11, "msg": "in a moment"}', 1);
      const { code } = await t.refuses("ADD", config, await t.container());
      expect(code === 11, `code ${code}`);
    },
  ),
  check(
    "recommended",
    "when the IPAM plugin's ADD fails it is called with DEL, in case it kept something",
    delegation,
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      recorder.answers("ADD", '{"code": 111, "msg": "half done"}', 1);
      await t.refuses("ADD", config, await t.container());
      expect(recorder.calls("DEL").length > 0, "it was not");
    },
  ),
  check(
    "recommended",
    "when the IPAM plugin's ADD fails no interface is left, and the next ADD works",
    delegation,
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      const c = await t.container();
      recorder.answers("ADD", '{"code": 111, "msg": "the pool is dry"}', 1);
      const before = await c.state();
      await t.refuses("ADD", config, c);
      await settlesTo(c, before, "the container");
      recorder.answers("ADD", JSON.stringify(answer(t)), 0);
      await t.add(config, c);
    },
  ),
  givesBack("the interface is there already", async (_t, c) => {
    await c.shell("ip link add eth0 type veth peer name eth9");
    return undefined;
  }),
  givesBack("the bridge's name is taken by another kind of link", async (t) => {
    await t.host.shell(`ip link add ${t.link("ve")} type veth peer name ${t.link("vf")}`);
    return { bridge: t.link("ve") };
  }),
  givesBack("the bridge has another address", async (t) => {
    await t.host.shell(
      `ip link add ${t.link()} type bridge; ip address add 172.31.0.1/24 dev ${t.link()}; ip link set ${t.link()} up`,
    );
    return undefined;
  }),
  givesBack("a route's gateway cannot be reached", async (t) => ({
    answer: { ...answer(t), routes: [{ dst: "198.51.100.0/24", gw: "172.31.9.9" }] },
  })),
  givesBack("the answer holds no addresses", async (t) => ({ answer: { cniVersion: t.version } })),
  givesBack("the answer is no JSON", async () => ({ answer: "an address" })),
  check("required", "an IPAM plugin that is not there is an error naming it", "CNI 1.1 §4, libcni", net, async (t) => {
    const c = await t.container();
    const { msg, details } = await t.refuses("ADD", bridge(t, { ipam: { type: "no-such-plugin" } }), c);
    expect(`${msg} ${details}`.includes("no-such-plugin"), `the message is ${msg}`);
  }),
  check("recommended", "an IPAM type with a slash is refused", "libcni", net, async (t) => {
    const recorder = t.recorder();
    recorder.answers("ADD", JSON.stringify(answer(t)));
    await t.refuses("ADD", bridge(t, { ipam: { type: `..${recorder.directory}/recorder` } }), await t.container());
    await t.refuses("ADD", bridge(t, { ipam: { type: "../bin/recorder" } }), await t.container());
  }),
  check(
    "required",
    "a plugin is looked for in the directories of CNI_PATH in their order",
    "CNI 1.1 §2, libcni",
    net,
    async (t) => {
      const first = t.recorder("recorder", "first");
      const second = t.recorder("recorder", "second");
      first.answers("ADD", JSON.stringify(answer(t, t.version, 8)));
      second.answers("ADD", JSON.stringify(answer(t, t.version, 9)));
      const result = await t.add(bridge(t, { ipam: { type: "recorder" } }), await t.container());
      equal(addressesOf(result)[0]?.address, `${t.prefix()}.8/24`, "the address");
      expect(second.calls().length === 0, "the second one was called");
    },
  ),
  ...(["0.2.0", "0.3.1", "1.0.0"] as const).map((version) =>
    check(
      "recommended",
      `an IPAM plugin may answer in version ${version}: the result is in the request's`,
      "libcni's delegation",
      { ...net, since: version },
      async (t) => {
        const { recorder, config } = recorded(t);
        recorder.answers("ADD", JSON.stringify(answer(t, version)));
        const result = await t.add(config, await t.container());
        equal(result["cniVersion"], t.version, "cniVersion");
        equal(addressesOf(result)[0]?.address, `${t.prefix()}.7/24`, "the address");
        equal(
          routesOf(result).map((route) => text(route, "dst") ?? ""),
          ["198.51.100.0/24"],
          "routes",
        );
      },
    ),
  ),
  check(
    "beyond",
    "DEL takes the interface away although the IPAM plugin's DEL fails",
    "CNI 1.1 §2 DEL; the reference ends first",
    net,
    async (t) => {
      const { recorder, config } = recorded(t);
      const c = await t.container();
      const result = await t.add(config, c);
      recorder.answers("DEL", '{"code": 111, "msg": "gone"}', 1);
      await t.call("DEL", after(config, result), c);
      expect((await c.link("eth0")) === undefined, "eth0 is still there");
      recorder.answers("DEL", "", 0);
      await t.del(after(config, result), c);
    },
  ),
  check("required", "an address that was given back is free again", delegation, both, async (t) => {
    const ipam = hostLocal(t, {
      subnet: `${t.prefix()}.0/24`,
      rangeStart: `${t.prefix()}.9`,
      rangeEnd: `${t.prefix()}.9`,
    });
    const c = await t.container();
    await c.shell("ip link add eth0 type veth peer name eth9");
    await t.refuses("ADD", bridge(t, { ipam }), c);
    const result = await t.add(bridge(t, { ipam }), await t.container());
    expect(canonical(result).includes(`${t.prefix()}.9/24`), `the result is ${canonical(result)}`);
  }),
]);
