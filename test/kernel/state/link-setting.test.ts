/** Properties of links that somebody else made: set, seen, put back; with a refusal in between, and with the link gone. */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { createKernel } from "../../../src/kernel/linux.ts";
import { refusalOf } from "../../../src/kernel/syscalls.ts";
import { createEngine } from "../../../src/state/create-engine.ts";
import type { KernelObject, LinkSetting, LinkSettingName } from "../../../src/state/objects.ts";
import { inversePlan, plan } from "../../../src/state/plan.ts";
import { renderPlan } from "../../../src/state/render.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { enterTestHost, exec, run, snapshot } from "../../support/test-host.ts";

enterTestHost();
const faults = new Faults();
const engine = createEngine(createFaultyKernel(createKernel(), faults));
after(() => engine.close());

const sandbox = "/run/netns/box";

/** What each is set to on `theirs`, and what `ip` shows of it then. */
const cases: readonly { readonly setting: LinkSettingName; readonly value: string; readonly shown: RegExp }[] = [
  { setting: "mtu", value: "1400", shown: /mtu 1400 / },
  { setting: "mac", value: "02:00:00:00:00:77", shown: /link\/ether 02:00:00:00:00:77 / },
  { setting: "promiscuous", value: "on", shown: /[<,]PROMISC[,>]/ },
  { setting: "all-multicast", value: "on", shown: /[<,]ALLMULTI[,>]/ },
  { setting: "transmit-queue", value: "77", shown: /qlen 77/ },
  { setting: "master", value: "br0", shown: / master br0 / },
  { setting: "up", value: "off", shown: / state DOWN / },
];

for (const where of ["host", sandbox] as const)
  describe(`of a link in ${where}`, () => {
    const prefix = where === "host" ? [] : ["ip", "netns", "exec", "box"];
    const show = (): string => exec(...prefix, "ip", "-d", "link", "show", "theirs");

    beforeEach(() => {
      run("ip netns add box");
      exec(...prefix, ..."ip link add br0 type bridge".split(" "));
      exec(...prefix, "ip", "link", "add", "theirs", "address", "02:00:00:00:00:66", "type", "veth");
      exec(...prefix, ..."ip link set theirs up".split(" "));
    });
    afterEach(async () => {
      exec(...prefix, ..."ip link delete br0".split(" "));
      exec(...prefix, "sh", "-c", "ip link delete theirs 2>/dev/null || true");
      run("ip netns delete box");
    });

    async function setting(name: LinkSettingName, value: string): Promise<LinkSetting> {
      const [original] = await engine.readLinkSettings(where, [{ link: "theirs", setting: name }]);
      assert.ok(original !== undefined, name);
      assert.notEqual(original, value);
      return { kind: "link-setting", namespace: where, link: "theirs", setting: name, value, original };
    }

    for (const { setting: name, value, shown } of cases)
      test(`${name} is set, mended and put back`, async () => {
        const before = show();
        const object = await setting(name, value);
        await engine.apply(plan([object], []));
        assert.match(show(), shown);
        assert.deepEqual(plan([object], await engine.observe([object])), []);

        await engine.apply([{ action: "update", object: { ...object, value: object.original ?? "" }, before: object }]);
        assert.doesNotMatch(show(), shown);
        const mend = plan([object], await engine.observe([object]));
        assert.deepEqual(
          mend.map(({ action }) => action),
          ["update"],
        );
        await engine.apply(mend);
        assert.match(show(), shown);

        await engine.apply(plan([], await engine.observe([], [object])));
        assert.equal(show(), before);
        for (const line of renderPlan(plan([object], []))) exec("sh", "-ec", line);
        assert.match(show(), shown);
        for (const line of renderPlan(plan([], [object]))) exec("sh", "-ec", line);
        assert.equal(show(), before);
      });

    test("a refusal after them puts all back, known original or not", async () => {
      const before = show();
      const settings = await Promise.all(cases.map(({ setting: name, value }) => setting(name, value)));
      const bad: KernelObject = {
        kind: "address",
        namespace: where,
        link: "nowhere",
        address: parseInterfaceAddress("10.9.9.1/24"),
      };
      for (const objects of [settings, settings.map(({ original: _, ...rest }): LinkSetting => rest)]) {
        await assert.rejects(engine.apply(plan([...objects, bad], [])), (error) => {
          assert.match(String(error), /10.9.9.1/);
          assert.deepEqual((error as { suppressed?: unknown }).suppressed, []); // a PortolanError
          return true;
        });
        assert.equal(show(), before);
      }
    });

    test("whichever message the kernel refuses, nothing stays changed", async () => {
      const before = show();
      const objects = (await Promise.all(cases.map(({ setting: name, value }) => setting(name, value)))).filter(
        ({ setting: name }) => name !== "up",
      );
      for (let at = 1; ; at++) {
        faults.arm({ at });
        try {
          await engine.apply(plan(objects, []));
          break;
        } catch {
          assert.equal(show(), before, `${faults.struck}`);
        }
      }
      faults.arm();
      await engine.apply(inversePlan(plan(objects, [])));
      assert.equal(show(), before);
    });

    test("a link that takes another MAC address only while it is down is down for that long", async () => {
      const object = await setting("mac", "02:00:00:00:00:77");
      faults.arm({ at: 1, errno: "EBUSY" });
      await engine.apply(plan([object], []));
      assert.equal(faults.count, 4);
      assert.match(show(), /[<,]UP[,>].*\n.*link\/ether 02:00:00:00:00:77 /);
      faults.arm();
      await engine.apply(plan([], [object]));
    });

    test("what its link took along is no error to remove", async () => {
      const objects = await Promise.all(cases.map(({ setting: name, value }) => setting(name, value)));
      await engine.apply(plan(objects, []));
      exec(...prefix, ..."ip link delete theirs".split(" "));
      await engine.apply(plan([], objects));
      assert.deepEqual(await engine.readLinkSettings(where, [{ link: "theirs", setting: "mtu" }]), [undefined]);
    });
  });

test("a link that was down for its MAC address and did not get it is up with the one it had", async () => {
  run("ip link add theirs address 02:00:00:00:00:66 type veth peer name far");
  run("ip link set theirs up");
  const before = run("ip -d link show theirs");
  const object: LinkSetting = {
    kind: "link-setting",
    namespace: "host",
    link: "theirs",
    setting: "mac",
    value: "02:00:00:00:00:77",
  };
  for (const refused of [0, 1, 2]) {
    const kernel = createKernel();
    let sends = 0;
    const busy = createEngine({
      ...kernel,
      send(namespace, family, messages) {
        sends++;
        if (sends === 1) return [refusalOf(constants.errno.EBUSY)];
        if (sends > 2) return kernel.send(namespace, family, messages);
        const answers = kernel.send(namespace, family, messages.toSpliced(refused, 1));
        return answers.toSpliced(refused, 0, refusalOf(constants.errno.EIO));
      },
    });
    await assert.rejects(busy.apply(plan([object], [])), /setting mac of link theirs/);
    assert.equal(run("ip -d link show theirs"), before, `message ${refused}`);
    await busy.close();
  }
  run("ip link delete theirs");
});

test("settings in a namespace that is gone are no error to remove, and have no value", async () => {
  const gone: LinkSetting = {
    kind: "link-setting",
    namespace: "/run/netns/gone",
    link: "eth0",
    setting: "mtu",
    value: "1400",
    original: "1500",
  };
  await engine.apply(plan([], [gone]));
  assert.deepEqual(await engine.readLinkSettings(gone.namespace, [gone]), [undefined]);
});

test("a port whose first master is gone is let go", async () => {
  const before = snapshot();
  for (const line of [
    "ip link add one type bridge",
    "ip link add two type bridge",
    "ip link add port master one type ifb",
  ])
    run(line);
  const object: LinkSetting = {
    kind: "link-setting",
    namespace: "host",
    link: "port",
    setting: "master",
    value: "two",
    original: "one",
  };
  await engine.apply(plan([object], []));
  run("ip link delete one");
  await engine.apply(plan([], [object]));
  assert.doesNotMatch(run("ip link show port"), /master/);
  for (const name of ["two", "port"]) run(`ip link delete ${name}`);
  assert.deepEqual(snapshot().links, before.links);
});

test("a link of ours gets its master before it is up, and keeps it when it is changed", async () => {
  const before = snapshot();
  run("ip link add br0 type bridge");
  const objects: readonly KernelObject[] = [
    {
      kind: "link",
      namespace: "host",
      type: "veth",
      name: "one",
      up: true,
      mtu: 1400,
      peer: { namespace: "host", name: "two", up: true },
    },
    { kind: "link-setting", namespace: "host", link: "one", setting: "master", value: "br0" },
    { kind: "link-setting", namespace: "host", link: "two", setting: "mac", value: "02:00:00:00:00:77" },
  ];
  await engine.apply(plan(objects, []));
  run("ip link set one mtu 1300");
  await engine.apply(plan(objects, await engine.observe(objects)));
  assert.match(run("ip link show one"), /mtu 1400 .* master br0 /);
  assert.match(run("ip link show two"), /02:00:00:00:00:77/);
  assert.deepEqual(plan(objects, await engine.observe(objects)), []);
  await engine.apply(plan([], objects));
  await engine.settle();
  run("ip link delete br0");
  assert.deepEqual(snapshot().links, before.links);
});
