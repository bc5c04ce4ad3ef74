/** What a plugin is given, and how it says no: standard input, namespaces, CNI_ARGS, errors. */
import { check, group } from "../check.ts";
import { bridge } from "../configuration.ts";
import { equal, expect } from "../expectation.ts";
import { at, type Json, parse, text } from "../json.ts";
import type { Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const parameters = "CNI 1.1 §2 Parameters";
const errors = "CNI 1.1 §5 Error";
const skel = "reference plugins (skel)";

const refusesInput = (words: string, input: (t: Trial) => string | Buffer, code: number, reference = errors) =>
  check("required", `${words} is refused with code ${code}`, reference, net, async (t) => {
    const given = input(t);
    const refusal = await t.refuses("ADD", Buffer.isBuffer(given) ? given : Buffer.from(given), await t.container(), {
      type: "bridge",
    });
    expect(refusal.code === code, `code ${refusal.code} (${refusal.msg}) instead of ${code}`);
  });

const changed = (t: Trial, changes: Readonly<Record<string, Json | undefined>>): string =>
  JSON.stringify({ ...bridge(t), ...changes });

/** Input and errors. */
export const input = group("input", [
  refusesInput("an empty standard input", () => "", 6),
  refusesInput("broken JSON", () => '{"cniVersion": "0.4.0", "name": ', 6),
  refusesInput("JSON that is no object", () => '["bridge"]', 6),
  refusesInput(
    "a configuration without a name",
    (t) => changed(t, { name: undefined }),
    7,
    "CNI 1.1 §1 Network configuration",
  ),
  refusesInput(
    "a network name with a space",
    (t) => changed(t, { name: "a network" }),
    7,
    "CNI 1.1 §1 Network configuration",
  ),
  refusesInput(
    "a network name with a slash",
    (t) => changed(t, { name: "../net" }),
    7,
    "CNI 1.1 §1 Network configuration",
  ),
  refusesInput("a version that nobody knows", (t) => changed(t, { cniVersion: "9.9.9" }), 1),
  check("required", "a configuration key of a wrong type is refused", errors, net, async (t) => {
    await t.refuses("ADD", bridge(t, { bridge: 5 }), await t.container());
  }),
  check(
    "recommended",
    "an incompatible version is refused in words that hold both sides' versions",
    "CNI 1.1 §5 Error code 1",
    net,
    async (t) => {
      const { msg, details } = await t.refuses("ADD", { ...bridge(t), cniVersion: "9.9.9" }, await t.container());
      expect(`${msg} ${details}`.includes("9.9.9") && `${msg} ${details}`.includes("0.4.0"), `${msg}: ${details}`);
    },
  ),
  check("recommended", "an error carries the protocol version of the request", errors, net, async (t) => {
    const { object } = await t.refuses(
      "ADD",
      { ...bridge(t), bridge: "a name that is far too long" },
      await t.container(),
    );
    equal(object["cniVersion"], t.version, "cniVersion");
  }),
  check(
    "required",
    "a plugin's own error has a code that the protocol leaves to plugins or defines",
    errors,
    net,
    async (t) => {
      const { code } = await t.refuses(
        "ADD",
        { ...bridge(t), ipam: { type: "host-local", subnet: "no subnet" } },
        await t.container(),
      );
      expect(code <= 11 || code >= 100, `code ${code} is reserved`);
    },
  ),
  check(
    "required",
    "unknown keys of the configuration are ignored",
    "CNI 1.1 §1 Plugin configuration objects",
    net,
    async (t) => {
      await t.add(bridge(t, { "org.example/unknown": { deep: [1, null, "x"] }, unheardOf: true }), await t.container());
    },
  ),
  check("recommended", "the key capabilities, which libcni leaves in, is tolerated", "libcni", net, async (t) => {
    await t.add(
      bridge(t, { capabilities: { ips: true, somethingNew: true }, runtimeConfig: { somethingNew: { a: 1 } } }),
      await t.container(),
    );
  }),
  check(
    "recommended",
    "keys are told apart without regard to case",
    "reference plugins (Go's JSON)",
    net,
    async (t) => {
      const { bridge: name, ...rest } = bridge(t, { BRIDGE: t.link() });
      expect(typeof name === "string", "no name");
      const c = await t.container();
      await t.add(rest, c);
      expect((await t.atHost().link(t.link())) !== undefined, `there is no bridge ${t.link()}`);
    },
  ),
  check("required", "keys and values with JSON escapes are what they stand for", "RFC 8259 §7", net, async (t) => {
    const source = JSON.stringify(bridge(t)).replace('"bridge":"br', '"\\u0062ridge":"\\u0062r');
    expect(source.includes("\\u0062ridge"), "the check's own text has changed");
    const { status, stdout } = await t.call("ADD", Buffer.from(source), await t.container(), { type: "bridge" });
    expect(status === 0, `it ended with ${status}: ${stdout}`);
    expect((await t.atHost().link(t.link())) !== undefined, `there is no bridge ${t.link()}`);
  }),
  check("recommended", "a configuration of a megabyte works", "no limit in the specification", net, async (t) => {
    await t.add(bridge(t, { "org.example/labels": "x".repeat(1_000_000) }), await t.container());
  }),
  check(
    "recommended",
    "an environment of nothing but the protocol's variables is enough",
    parameters,
    net,
    async (t) => {
      await t.add(bridge(t), await t.container(), { environment: { PATH: undefined } });
    },
  ),
  check("required", "success prints one JSON document on stdout and nothing else", "CNI 1.1 §2, §5", net, async (t) => {
    const { stdout } = await t.succeeds("ADD", bridge(t), await t.container());
    expect(parse(stdout) !== undefined, `stdout is ${JSON.stringify(stdout)}`);
  }),
  check("recommended", "CHECK and DEL print nothing on stdout", "CNI 1.1 §2", net, async (t) => {
    const c = await t.container();
    const config = { ...bridge(t), prevResult: await t.add(bridge(t), c) };
    for (const command of ["CHECK", "DEL"] as const) {
      const { stdout } = await t.succeeds(command, config, c);
      expect(stdout.trim() === "", `${command} printed ${JSON.stringify(stdout)}`);
    }
  }),
  check(
    "required",
    "CHECK of a configuration before 0.4.0 is refused with code 1",
    "CNI 0.4.0, skel",
    { types: net, version: "0.3.1" },
    async (t) => {
      const c = await t.container();
      const prevResult = await t.add(bridge(t), c);
      const { code, msg } = await t.refuses("CHECK", { ...bridge(t), prevResult }, c);
      expect(code === 1, `code ${code} (${msg}) instead of 1`);
    },
  ),
  ...(["GC", "STATUS"] as const).map((command) =>
    check(
      "recommended",
      `${command} of a configuration before 1.1.0 is refused with code 1`,
      "CNI 1.1, skel",
      { types: net, since: "1.1.0" },
      async (t) => {
        const { code, msg } = await t.refuses(
          command,
          { ...bridge(t), cniVersion: "1.0.0", "cni.dev/valid-attachments": [] },
          undefined,
        );
        expect(code === 1, `code ${code} (${msg}) instead of 1`);
      },
    ),
  ),
  check(
    "required",
    "a namespace that is not there is refused, and nothing is made",
    "CNI 1.1 §2 ADD",
    net,
    async (t) => {
      const c = await t.container();
      const before = await t.atHost().links();
      await t.refuses("ADD", bridge(t), c, { environment: { CNI_NETNS: "/run/netns/nowhere" } });
      const left = (await t.atHost().links()).filter((name) => !before.includes(name) && name !== t.link());
      expect(left.length === 0, `left: ${left.join(", ")}`);
    },
  ),
  check("required", "a file that is no namespace is refused", "CNI 1.1 §2 ADD", net, async (t) => {
    await t.host.shell("echo nothing > /run/file");
    await t.refuses("ADD", bridge(t), await t.container(), { environment: { CNI_NETNS: "/run/file" } });
  }),
  check(
    "recommended",
    "the plugin's own namespace is refused before anything is done in it",
    "skel since 1.2",
    net,
    async (t) => {
      const before = await t.atHost().links();
      await t.refuses("ADD", bridge(t), await t.container(), {
        environment: { CNI_NETNS: `/proc/${t.host.pid}/ns/net` },
      });
      const left = (await t.atHost().links()).filter((name) => !before.includes(name));
      expect(left.length === 0, `left: ${left.join(", ")}`);
    },
  ),
  check("required", "a namespace may be named by its process: /proc/PID/ns/net", "containerd", net, async (t) => {
    const c = await t.container();
    await c.listen("tcp", 8000);
    await t.add(bridge(t), c, { environment: { CNI_NETNS: `/proc/${c.pid}/ns/net` } });
    expect((await c.link("eth0")) !== undefined, "there is no eth0 in it");
  }),
  check("recommended", "an unknown key of CNI_ARGS is refused unless IgnoreUnknown says so", skel, net, async (t) => {
    const { msg } = await t.refuses("ADD", bridge(t), await t.container(), { args: "FOO=x" });
    expect(msg.includes("FOO"), `the message does not name it: ${msg}`);
  }),
  ...["1", "true"].map((value) =>
    check(
      "required",
      `IgnoreUnknown=${value} lets unknown keys of CNI_ARGS and Kubernetes' own pass`,
      "CONVENTIONS, kubelet's runtimes, podman",
      net,
      async (t) => {
        const args = `IgnoreUnknown=${value};K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=1-2;FOO=x`;
        await t.add(bridge(t), await t.container(), { args });
      },
    ),
  ),
  check("recommended", "CNI_ARGS that are no pairs are refused", "CNI 1.1 §2 Parameters, skel", net, async (t) => {
    await t.refuses("ADD", bridge(t), await t.container(), { args: "IgnoreUnknown=1;FOO" });
  }),
  check("recommended", "metadata under args.cni that nobody knows is ignored", "CONVENTIONS", net, async (t) => {
    await t.add(
      bridge(t, { args: { cni: { labels: [{ key: "app", value: "x" }], unknown: 1 }, other: {} } }),
      await t.container(),
    );
  }),
  check(
    "required",
    "a configuration without a version is one of 0.1.0",
    "CNI 0.1.0, libcni",
    { types: net, version: "0.1.0" },
    async (t) => {
      const { cniVersion: _none, ...config } = bridge(t);
      const result = await t.add(config, await t.container());
      expect(text(result, "ip4", "ip") !== undefined, `the result is ${JSON.stringify(result)}`);
      expect(at(result, "ips") === undefined, `the result is ${JSON.stringify(result)}`);
    },
  ),
]);
