/** How a plugin is asked: environment variables and commands. */
import { check, group } from "../check.ts";
import { bridge } from "../configuration.ts";
import { expect } from "../expectation.ts";
import type { Container, Trial } from "../trial.ts";

const net = ["bridge", "host-local"];
const parameters = "CNI 1.1 §2 Parameters";
const skel = "reference plugins (skel)";

/** ADD of a bridge with variables changed is refused with code 4, in words that name them. */
const refusesVariables = async (
  t: Trial,
  c: Container,
  command: string,
  environment: Record<string, string | undefined>,
) => {
  const { code, msg, details } = await t.refuses(command, bridge(t), c, { environment });
  expect(code === 4, `code ${code} (${msg}) instead of 4, invalid environment`);
  for (const name of Object.keys(environment))
    expect(`${msg} ${details}`.includes(name), `the message does not name ${name}: ${msg}`);
};

/** ADD with an interface name is refused with code 4. */
const refusesName = (words: string, ifname: string) =>
  check(
    "required",
    `an interface name ${words} is refused with code 4`,
    "CNI 1.1 §2 Parameters, libcni",
    net,
    async (t) => {
      const { code, msg } = await t.refuses("ADD", bridge(t), await t.container(), { ifname });
      expect(code === 4, `code ${code} (${msg}) instead of 4`);
    },
  );

const missing = (command: string, variable: string) =>
  check("required", `${command} without ${variable} is refused with code 4, naming it`, parameters, net, async (t) => {
    await refusesVariables(t, await t.container(), command, { [variable]: undefined });
  });

/** Environment and commands. */
export const envelope = group("envelope", [
  check(
    "recommended",
    "without CNI_COMMAND a plugin introduces itself on stderr and ends with 0",
    skel,
    net,
    async (t) => {
      const { status, stdout, stderr } = await t.call("", "", undefined, {
        type: "bridge",
        environment: { CNI_COMMAND: undefined },
      });
      expect(status === 0, `it ended with ${status}`);
      expect(/CNI bridge plugin/i.test(stderr), `stderr is "${stderr.trim()}", stdout "${stdout.trim()}"`);
      expect(stdout === "", `stdout is "${stdout.trim()}"`);
    },
  ),
  check("required", "an unknown command is refused with code 4", parameters, net, async (t) => {
    const { code, msg } = await t.refuses("FOO", bridge(t), await t.container());
    expect(code === 4, `code ${code} (${msg}) instead of 4`);
  }),
  check("required", "commands are upper case: add is refused with code 4", parameters, net, async (t) => {
    const c = await t.container();
    const { code, msg } = await t.refuses("add", bridge(t), c);
    expect(code === 4, `code ${code} (${msg}) instead of 4`);
    expect((await c.link("eth0")) === undefined, "it made the interface nevertheless");
  }),
  ...["ADD", "DEL", "CHECK"].flatMap((command) => [
    missing(command, "CNI_CONTAINERID"),
    missing(command, "CNI_IFNAME"),
  ]),
  missing("ADD", "CNI_NETNS"),
  missing("CHECK", "CNI_NETNS"),
  check(
    "recommended",
    "when several variables are missing, the error names all of them",
    "CNI 1.1 §5 Error code 4",
    net,
    async (t) => {
      await refusesVariables(t, await t.container(), "ADD", {
        CNI_CONTAINERID: undefined,
        CNI_NETNS: undefined,
        CNI_IFNAME: undefined,
      });
    },
  ),
  check("required", "an empty container id is refused with code 4", parameters, net, async (t) => {
    const { code, msg } = await t.refuses("ADD", bridge(t), await t.container(), {
      environment: { CNI_CONTAINERID: "" },
    });
    expect(code === 4, `code ${code} (${msg}) instead of 4`);
  }),
  ...(["-leading", ".leading", "sla/sh", "spa ce", "ümlaut"] as const).map((id) =>
    check("required", `the container id "${id}" is refused with code 4`, parameters, net, async (t) => {
      const { code, msg } = await t.refuses("ADD", bridge(t), await t.container(), {
        environment: { CNI_CONTAINERID: id },
      });
      expect(code === 4, `code ${code} (${msg}) instead of 4`);
    }),
  ),
  check(
    "required",
    "a container id may hold letters, digits, dots, dashes and underscores",
    parameters,
    net,
    async (t) => {
      await t.add(bridge(t), await t.container(), { environment: { CNI_CONTAINERID: "A9.b-c_d" } });
    },
  ),
  refusesName("of 16 octets", "abcdefghijklmnop"),
  refusesName("with a slash", "et/h0"),
  refusesName("with a colon", "et:h0"),
  refusesName("with a space", "et h0"),
  refusesName("of a dot", "."),
  refusesName("of two dots", ".."),
  check("required", "an interface name of 15 octets works", parameters, net, async (t) => {
    const c = await t.container();
    await t.add(bridge(t), c, { ifname: "abcdefghijklmno" });
    expect((await c.link("abcdefghijklmno")) !== undefined, `the container has ${(await c.links()).join(", ")}`);
  }),
]);
