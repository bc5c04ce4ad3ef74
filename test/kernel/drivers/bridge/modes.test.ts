/** Who reaches whom in each gateway mode: from outside, the host, the same network and another one, directly and by published ports, over TCP and UDP. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { type Family, families, type Ground, gatewayOf, host, key, makeGround, outside, protocols } from "./ground.ts";

enterTestHost();

type Mode = "nat" | "nat-unprotected" | "routed" | "isolated";

/** What of a network is reached, for each mode: who is seen to ask, or undefined where nobody is answered. */
interface Reach {
  /** From outside to the sandbox's own address, to a published port and to another one. */
  readonly direct: boolean;
  readonly directUnpublished: boolean;
  /** The same from another network. */
  readonly acrossNetworks: boolean;
  /** By the host's address and the host's port, from everywhere. */
  readonly published: boolean;
  /** From the host to the sandbox's own address. */
  readonly fromHost: boolean;
  /** What the sandbox is seen as outside. */
  readonly leaves: "translated" | "as it is" | "not at all";
}

const reach: Readonly<Record<Mode | "internal", Reach>> = {
  nat: {
    direct: false,
    directUnpublished: false,
    acrossNetworks: false,
    published: true,
    fromHost: true,
    leaves: "translated",
  },
  "nat-unprotected": {
    direct: true,
    directUnpublished: true,
    acrossNetworks: false,
    published: true,
    fromHost: true,
    leaves: "translated",
  },
  routed: {
    direct: true,
    directUnpublished: false,
    acrossNetworks: true,
    published: false,
    fromHost: true,
    leaves: "as it is",
  },
  isolated: {
    direct: false,
    directUnpublished: false,
    acrossNetworks: false,
    published: false,
    fromHost: false,
    leaves: "not at all",
  },
  internal: {
    direct: false,
    directUnpublished: false,
    acrossNetworks: false,
    published: false,
    fromHost: true,
    leaves: "not at all",
  },
};

/** The networks, by number, with the mode of each family. */
const networks: readonly {
  readonly n: number;
  readonly name: string;
  readonly modes: Record<Family, keyof typeof reach>;
}[] = [
  { n: 1, name: "nat", modes: { 4: "nat", 6: "nat" } },
  { n: 2, name: "unprotected", modes: { 4: "nat-unprotected", 6: "nat-unprotected" } },
  { n: 3, name: "routed", modes: { 4: "routed", 6: "routed" } },
  { n: 4, name: "isolated", modes: { 4: "isolated", 6: "isolated" } },
  { n: 5, name: "internal", modes: { 4: "internal", 6: "internal" } },
  { n: 6, name: "mixed", modes: { 4: "nat", 6: "routed" } },
  { n: 7, name: "half", modes: { 4: "isolated", 6: "internal" } },
  { n: 8, name: "mixed-too", modes: { 4: "routed", 6: "nat-unprotected" } },
];

let ground: Ground;

before(async () => {
  ground = await makeGround();
  await ground.network(9, { name: "other" });
  for (const { n, name, modes } of networks) {
    const internal = ["isolated", "internal"].includes(modes[4]);
    const options = Object.fromEntries(
      ([4, 6] as const).flatMap((family) =>
        modes[family] === "internal" || modes[family] === "nat" ? [] : [[key[`mode${family}`], modes[family]]],
      ),
    );
    await ground.network(n, { name, internal, options });
    await ground.sandbox(`${name}-a`, name, ...(internal ? [] : [`808${n}:80`, `808${n}:80/udp`]));
    await ground.sandbox(`${name}-b`, name);
  }
  await ground.sandbox("other-a", "other");
});

after(() => ground[Symbol.asyncDispose]());

describe("gateway modes", { concurrency: true }, () => {
  for (const { n, name, modes } of networks) {
    for (const family of families) {
      for (const protocol of protocols) {
        test(`${name}: IPv${family} is ${modes[family]}, over ${protocol}`, () =>
          check(n, name, modes[family], family, protocol));
      }
    }
  }
});

async function check(
  n: number,
  name: string,
  mode: keyof typeof reach,
  family: Family,
  protocol: "tcp" | "udp",
): Promise<void> {
  const may = reach[mode];
  const [a, b] = [`${name}-a`, `${name}-b`];
  const [own, sibling, other] = [a, b, "other-a"].map((one) => ground.address(one, family));
  assert.ok(own && sibling && other);
  const gateway = gatewayOf(n, family);
  const port = 8080 + n;
  const ask = (from: string, address: string, at: number): Promise<string | undefined> =>
    ground.peer(from).ask(protocol, address, at);
  /** An answer of sandbox a, to somebody seen as that, where he may reach it. */
  const said = (allowed: boolean, at: number, seen: string): string | undefined =>
    allowed ? `${a} ${at} ${seen}` : undefined;
  const questions: Readonly<Record<string, readonly [Promise<string | undefined>, string | undefined]>> = {
    "outside, directly": [ask("outside", own, 80), said(may.direct, 80, outside[family])],
    "outside, directly, unpublished": [ask("outside", own, 81), said(may.directUnpublished, 81, outside[family])],
    "outside, published": [ask("outside", host[family], port), said(may.published, 80, outside[family])],
    "host, directly": [ask("host", own, 80), said(may.fromHost, 80, gateway)],
    "host, directly, unpublished": [ask("host", own, 81), said(may.fromHost, 81, gateway)],
    "same network": [ask(b, own, 80), said(true, 80, sibling)],
    "same network, unpublished": [ask(b, own, 81), said(true, 81, sibling)],
    "other network, directly": [ask("other-a", own, 80), said(may.acrossNetworks, 80, other)],
    "other network, directly, unpublished": [ask("other-a", own, 81), undefined],
    "other network, published": [ask("other-a", host[family], port), said(may.published, 80, other)],
    "other network, published, by this network's gateway": [
      ask("other-a", gateway, port),
      said(may.published, 80, other),
    ],
    "other network, unpublished, by this network's gateway": [ask("other-a", gateway, 81), undefined],
    "to another network": [ask(a, other, 80), undefined],
    "to the outside": [
      ask(a, outside[family], 80),
      may.leaves === "not at all" ? undefined : `outside 80 ${may.leaves === "translated" ? host[family] : own}`,
    ],
  };
  const answers = await Promise.all(
    Object.entries(questions).map(async ([what, [answer, wanted]]) => [what, await answer, wanted] as const),
  );
  const list = (which: 1 | 2): Record<string, string | undefined> =>
    Object.fromEntries(answers.map((one) => [one[0], one[which]]));
  assert.deepEqual(list(1), list(2));
  if (may.published) {
    // By the host's own address from the host, and from the same network: who asks is seen as the host.
    for (const from of ["host", b, a])
      assert.match((await ask(from, host[family], port)) ?? "nobody", new RegExp(`^${a} 80 `), from);
  }
}

test("in a routed network the host's port says nothing and nobody takes it, and the host's address says the family", async () => {
  for (const name of ["routed-c", "routed-d"]) await ground.sandbox(name, "routed", "8083:80", `${host[4]}:8083:81`);
  for (const name of ["routed-c", "routed-d"]) {
    const [endpoint] = ground.controller.sandbox(name).info().endpoints;
    assert.deepEqual(endpoint?.ports, []);
    assert.deepEqual(endpoint?.publish, ["8083:80/tcp", `${host[4]}:8083:81/tcp`]);
    for (const family of families) {
      const ask = (port: number) => ground.peer("outside").ask("tcp", ground.address(name, family), port);
      assert.equal(await ask(80), `${name} 80 ${outside[family]}`);
      assert.equal(await ask(81), family === 4 ? `${name} 81 ${outside[4]}` : undefined);
    }
  }
});

test("rows of ports are opened as well, and ICMP reaches routed networks alone", async () => {
  await ground.sandbox("routed-e", "routed", "80-90:80-90", "85:85");
  for (const family of families) {
    const own = ground.address("routed-e", family);
    assert.equal(await ground.peer("outside").ask("tcp", own, 81), `routed-e 81 ${outside[family]}`);
    const ping = (name: string): string =>
      run(`nsenter --net=/run/netns/outside ping -c1 -W1 ${ground.address(name, family)}`);
    assert.match(ping("routed-e"), / 0% packet loss/);
    assert.throws(() => ping("nat-a"));
  }
});
