/** What every plugin does alike, whatever its type: VERSION, and refusing what no plugin may accept. */
import { check, type Entry, group } from "../check.ts";
import { equal, expect } from "../expectation.ts";
import { at, list, parse, text } from "../json.ts";
import { isVersion, knownVersions } from "../versions.ts";

/** The reference plugins' types. */
export const referenceTypes = [
  "bandwidth",
  "bridge",
  "firewall",
  "host-device",
  "host-local",
  "ipvlan",
  "loopback",
  "macvlan",
  "portmap",
  "ptp",
  "sbr",
  "static",
  "tuning",
  "vlan",
  "vrf",
] as const;

const inputs: Readonly<Record<string, string>> = {
  nothing: "",
  "a version": '{"cniVersion":"1.0.0"}',
  "a version nobody knows": '{"cniVersion":"9.9.9"}',
};

const ofType = (type: string): readonly Entry[] => [
  check(
    "required",
    `${type}: VERSION answers with the versions it can, on any input`,
    "CNI 1.1 §2 VERSION",
    [type],
    async (t) => {
      const answers = [];
      for (const input of Object.values(inputs)) {
        const { status, stdout } = await t.call("VERSION", Buffer.from(input), undefined, { type });
        expect(status === 0, `it ended with ${status}: ${stdout}`);
        answers.push(parse(stdout));
      }
      const [first] = answers;
      const versions = list(first, "supportedVersions");
      expect(versions.length > 0, `supportedVersions is ${JSON.stringify(versions)}`);
      expect(
        versions.every((version) => typeof version === "string" && /^\d+\.\d+\.\d+$/.test(version)),
        `supportedVersions is ${JSON.stringify(versions)}`,
      );
      expect(text(first, "cniVersion") !== undefined, "cniVersion is missing");
      for (const answer of answers)
        equal(list(answer, "supportedVersions"), versions, "supportedVersions for another input");
    },
  ),
  check(
    "required",
    `${type}: VERSION answers with variables set to "dummy", as libcni sets them for old plugins`,
    "libcni; podman",
    [type],
    async (t) => {
      const dummy = { CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy" };
      const { status, stdout } = await t.call("VERSION", '{"cniVersion":"1.0.0"}', undefined, {
        type,
        environment: dummy,
      });
      expect(status === 0 && list(parse(stdout), "supportedVersions").length > 0, `it ended with ${status}: ${stdout}`);
    },
  ),
  check(
    "recommended",
    `${type}: the newest version it can is VERSION's cniVersion, and 1.0.0 is among them`,
    "CNI 1.1 §2 VERSION, skel",
    [type],
    async (t) => {
      const answer = parse((await t.succeeds("VERSION", "", undefined, { type })).stdout);
      const versions = list(answer, "supportedVersions")
        .filter((version) => typeof version === "string")
        .filter(isVersion);
      expect(versions.includes("1.0.0"), `supportedVersions is ${versions.join(", ")}`);
      equal(
        at(answer, "cniVersion"),
        knownVersions.findLast((version) => versions.includes(version)),
        "cniVersion",
      );
    },
  ),
  check(
    "required",
    `${type}: ADD without a container id, DEL without an interface name and an unknown command are refused with code 4`,
    "CNI 1.1 §2 Parameters",
    [type],
    async (t) => {
      const c = await t.container();
      const config = { cniVersion: t.version, name: t.network, type };
      const codes = [
        await t.refuses("ADD", config, c, { environment: { CNI_CONTAINERID: undefined } }),
        await t.refuses("DEL", config, c, { environment: { CNI_IFNAME: undefined } }),
        await t.refuses("GIVE", config, c),
      ].map(({ code }) => code);
      equal(codes, [4, 4, 4], "the codes");
    },
  ),
  check(
    "required",
    `${type}: a version that nobody knows is refused with code 1, and a configuration that is no JSON with code 6`,
    "CNI 1.1 §5 Error",
    [type],
    async (t) => {
      const c = await t.container();
      const wrong = await t.refuses("ADD", { cniVersion: "9.9.9", name: t.network, type }, c);
      const broken = await t.refuses("ADD", Buffer.from("{"), c, { type });
      equal([wrong.code, broken.code], [1, 6], "the codes");
    },
  ),
];

/** Every type alike. */
export const everyType = group("every type", referenceTypes.flatMap(ofType));
