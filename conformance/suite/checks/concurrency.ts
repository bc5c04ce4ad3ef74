/** Many plugins at once: runtimes start containers side by side. */
import { check, group } from "../check.ts";
import { after, bridge, Chain, hostLocal, routedBridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { isObject, type JsonObject, list, parse, text } from "../json.ts";
import type { Outcome } from "../lab/process.ts";
import { addressesOf, bare } from "../result.ts";
import { linksBecome, settlesTo } from "../settling.ts";
import { type Container, howItEnded, type Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const contract = "CNI 1.1 §2: parallel across containers";

const all = async (
  t: Trial,
  command: string,
  config: JsonObject,
  containers: readonly Container[],
): Promise<readonly Outcome[]> => Promise.all(containers.map((c) => t.call(command, config, c)));

const succeeded = (outcomes: readonly Outcome[], what: string): void => {
  const failed = outcomes.filter(({ status }) => status !== 0);
  const [first] = failed;
  if (first !== undefined)
    expect(false, `${failed.length} of ${outcomes.length} ${what} failed; the first ${howItEnded(first)}`);
};

/** The first address of each result. */
const addresses = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.map(({ stdout }) => {
    const result = parse(stdout);
    return isObject(result) ? bare(addressesOf(result)[0]?.address ?? "") : "";
  });

const distinct = (values: readonly string[]): void =>
  expect(new Set(values).size === values.length, `${values.length} containers share ${new Set(values).size} addresses`);

/** A range of so many addresses, from .10 on. */
const range = (t: Trial, count: number): JsonObject =>
  hostLocal(t, { subnet: t.subnet(), rangeStart: `${t.prefix()}.10`, rangeEnd: `${t.prefix()}.${9 + count}` });

/** Many at once. */
export const concurrency = group("concurrency", [
  check(
    "required",
    "50 ADDs at once on a network that does not exist yet all succeed, with an address each",
    contract,
    net,
    async (t) => {
      const containers = await t.containers(50);
      const outcomes = await all(t, "ADD", routedBridge(t), containers);
      succeeded(outcomes, "ADDs");
      distinct(addresses(outcomes));
      const ports = list(await t.host.ip(`link show master ${t.link()}`));
      equal(ports.length, 50, "ports of the one bridge");
      for (const [index, c] of containers.entries())
        equal((await c.addresses("eth0")).map(bare), [addresses(outcomes)[index] ?? ""], `the address of ${c.id}`);
    },
  ),
  check("required", "8 ADDs at once on a range of 5 addresses: exactly 5 succeed", contract, net, async (t) => {
    const outcomes = await all(t, "ADD", bridge(t, { ipam: range(t, 5) }), await t.containers(8));
    equal(outcomes.filter(({ status }) => status === 0).length, 5, "ADDs that succeeded");
    distinct(addresses(outcomes.filter(({ status }) => status === 0)));
  }),
  check(
    "required",
    "20 ADDs at once on an IPAM plugin with 20 addresses use every one",
    contract,
    ["host-local"],
    async (t) => {
      const containers = await t.containers(20);
      const config = { cniVersion: t.version, name: t.network, ipam: range(t, 20) };
      const outcomes = await Promise.all(containers.map((c) => t.call("ADD", config, c, { type: "host-local" })));
      succeeded(outcomes, "ADDs");
      distinct(addresses(outcomes));
    },
  ),
  check("required", "10 DELs of one attachment at once all succeed", "CNI 1.1 §2 DEL", net, async (t) => {
    const c = await t.container();
    const config = after(bridge(t), await t.add(bridge(t), c));
    succeeded(
      await all(
        t,
        "DEL",
        config,
        Array.from({ length: 10 }, () => c),
      ),
      "DELs",
    );
    await linksBecome(c, ["lo"], "links of the container");
  }),
  check(
    "required",
    "a storm of 16 containers that come and go four times leaves nothing, and every address is free",
    contract,
    { types: net, features: ["firewall"] },
    async (t) => {
      const config = routedBridge(t, { ipMasq: true, ipam: range(t, 17) });
      const anchor = await t.container();
      await t.add(config, anchor);
      const before = await t.atHost().state();
      const containers = await t.containers(16);
      for (let round = 0; round < 4; round++) {
        const outcomes = await all(t, "ADD", config, containers);
        succeeded(outcomes, `ADDs of round ${round + 1}`);
        distinct(addresses(outcomes));
        succeeded(await all(t, "DEL", config, containers), `DELs of round ${round + 1}`);
      }
      await settlesTo(t.atHost(), before, "the host");
      succeeded(await all(t, "ADD", config, containers), "ADDs after the storm");
    },
  ),
  check(
    "required",
    "ADDs and DELs of different containers at once do not disturb each other",
    contract,
    net,
    async (t) => {
      const config = bridge(t);
      const [old, young] = [await t.containers(10), await t.containers(10)];
      succeeded(await all(t, "ADD", config, old), "first ADDs");
      const [gone, come] = await Promise.all([all(t, "DEL", config, old), all(t, "ADD", config, young)]);
      succeeded(gone, "DELs");
      succeeded(come, "ADDs");
      distinct(addresses(come));
      equal(list(await t.host.ip(`link show master ${t.link()}`)).length, 10, "ports of the bridge");
    },
  ),
  check("required", "ADDs on ten networks at once all succeed", contract, net, async (t) => {
    const configs = Array.from({ length: 10 }, (_none, index) => ({
      ...routedBridge(t, { ipam: hostLocal(t, { subnet: t.subnet(index) }) }),
      name: `${t.network}x${index}`,
      bridge: `${t.link()}x${index}`,
    }));
    const containers = await t.containers(10);
    const outcomes = await Promise.all(configs.map((config, index) => t.call("ADD", config, containers[index])));
    succeeded(outcomes, "ADDs");
    for (const [index, c] of containers.entries())
      equal(await c.addresses("eth0"), [`${t.prefix(index)}.2/24`], `addresses of ${c.id}`);
  }),
  check(
    "required",
    "the interfaces of one container on several networks can come one after another in any order",
    contract,
    net,
    async (t) => {
      const c = await t.container();
      for (const index of [2, 0, 1]) {
        const config = {
          ...bridge(t, { ipam: hostLocal(t, { subnet: t.subnet(index) }) }),
          name: `${t.network}x${index}`,
          bridge: `${t.link()}x${index}`,
        };
        await t.add(config, c, { ifname: `eth${index}` });
      }
      equal([...(await c.links())].toSorted(), ["eth0", "eth1", "eth2", "lo"], "links of the container");
    },
  ),
  check(
    "required",
    "12 containers that publish ports at once are all reached, and all gone after DEL",
    contract,
    { types: [...net, "portmap"], features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t), { type: "portmap", capabilities: { portMappings: true } }]);
      const mapped = (index: number) => ({
        capabilities: { portMappings: [{ hostPort: 8000 + index, containerPort: 80, protocol: "tcp" }] },
      });
      const [anchor, host] = [await t.container(), t.atHost()];
      await chain.add(anchor, mapped(99));
      const before = await host.state();
      const containers = await t.containers(12);
      const results = await Promise.all(containers.map((c, index) => chain.add(c, mapped(index))));
      for (const index of [0, 6, 11]) {
        const c = containers[index];
        await c?.listen("tcp", 80);
        const answer = await host.dial("tcp", `${t.prefix()}.1`, 8000 + index, { timeout: 3000 });
        equal(answer?.name, c?.id, `who answers at port ${8000 + index}`);
      }
      await Promise.all(
        containers.map((c, index) => chain.del(c, { ...mapped(index), previous: results[index] ?? null })),
      );
      await settlesTo(host, before, "the host");
    },
  ),
  check(
    "required",
    "8 containers that publish ports at once on a host that never published any all succeed",
    contract,
    { types: [...net, "portmap"], features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t), { type: "portmap", capabilities: { portMappings: true } }]);
      const outcomes = await Promise.all(
        (await t.containers(8)).map((c, index) =>
          chain.tryAdd(c, {
            capabilities: { portMappings: [{ hostPort: 8000 + index, containerPort: 80, protocol: "tcp" }] },
          }),
        ),
      );
      succeeded(outcomes, "ADDs");
    },
  ),
  check(
    "beyond",
    "of two containers that publish the same port at once, one is refused",
    "the reference accepts both",
    { types: [...net, "portmap"], features: ["firewall"] },
    async (t) => {
      const chain = new Chain(t, [routedBridge(t), { type: "portmap", capabilities: { portMappings: true } }]);
      const capabilities = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
      await chain.add(await t.container(), {
        capabilities: { portMappings: [{ hostPort: 8099, containerPort: 80, protocol: "tcp" }] },
      });
      const outcomes = await Promise.all((await t.containers(2)).map((c) => chain.tryAdd(c, { capabilities })));
      equal(outcomes.filter(({ status }) => status === 0).length, 1, "ADDs that succeeded");
      const refused = outcomes.find(({ status }) => status !== 0);
      expect((text(parse(refused?.stdout ?? ""), "msg") ?? "").includes("8080"), "the error does not name the port");
    },
  ),
]);
