import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isPortolanError } from "../../../src/errors.ts";
import { parseTopology, readTopology } from "../../../src/lab/read-topology.ts";

const parse = (text: string): ReturnType<typeof parseTopology> => parseTopology("/labs/shop.yaml", text);

test("a topology is read whole, with what the file leaves out filled in", () => {
  const topology = parse(`
networks:
  front: { subnet: [10.1.0.9/24, "fd00:1::/64"], labels: { tier: 1 } }
  back: { internal: yes, options: { com.docker.network.driver.mtu: 1400 } }
sandboxes:
  web:
    networks:
      front:
        { ipv4: 10.1.0.10, mac: 02-42-0A-01-00-02, interface: shop0, aliases: www, priority: 5, link-local: 169.254.3.4,
          routes: [10.9.0.0/16=10.1.0.7, 10.8.0.0/16], options: { com.docker.network.endpoint.exposedports: 80 } }
      back:
    hostname: www
    run:
      - echo "hello" | cat
      - { command: [node, web.mjs], env: { PORT: 80 }, cwd: .. }
    listen: [80, 443]
  client: { networks: front }
expect:
  client: { web: yes }
`);
  assert.deepEqual(topology, {
    name: "shop",
    file: "/labs/shop.yaml",
    networks: [
      {
        name: "front",
        driver: "bridge",
        subnets: ["10.1.0.0/24", "fd00:1::/64"],
        ipv4: true,
        ipv6: true,
        internal: false,
        options: {},
        labels: { tier: "1" },
      },
      {
        name: "back",
        driver: "bridge",
        subnets: [],
        ipv4: true,
        ipv6: false,
        internal: true,
        options: { "com.docker.network.driver.mtu": "1400" },
        labels: {},
      },
    ],
    sandboxes: [
      {
        name: "web",
        hostname: "www",
        naming: { nameservers: [], searchDomains: [], resolverOptions: [], extraHosts: [], links: [] },
        labels: {},
        attachments: [
          {
            network: "front",
            ipv4: "10.1.0.10",
            mac: "02:42:0a:01:00:02",
            interfaceName: "shop0",
            linkLocal: ["169.254.3.4/16"],
            routes: [{ destination: "10.9.0.0/16", gateway: "10.1.0.7" }, { destination: "10.8.0.0/16" }],
            aliases: ["www"],
            publish: [],
            priority: 5,
            options: { "com.docker.network.endpoint.exposedports": "80" },
          },
          { network: "back", linkLocal: [], routes: [], aliases: [], publish: [], priority: 0, options: {} },
        ],
        processes: [
          { command: ["/bin/sh", "-c", 'echo "hello" | cat'], env: {}, cwd: "/labs" },
          { command: ["node", "web.mjs"], env: { PORT: "80" }, cwd: "/" },
        ],
        listen: [80, 443],
      },
      {
        name: "client",
        naming: { nameservers: [], searchDomains: [], resolverOptions: [], extraHosts: [], links: [] },
        labels: {},
        attachments: [
          { network: "front", linkLocal: [], routes: [], aliases: [], publish: [], priority: 0, options: {} },
        ],
        processes: [],
        listen: [],
      },
    ],
    expectations: [{ from: "client", to: "web", reachable: true }],
  });
});

test("a name in the file counts more than the file's", () => {
  assert.equal(parse("name: harbour\nsandboxes: { a: }").name, "harbour");
});

const refusals: readonly (readonly [string, string, RegExp, RegExp?])[] = [
  [
    "an unknown key",
    "networks:\n  front:\n    subnte: 10.1.0.0/24",
    /^\/labs\/shop\.yaml:3: networks\.front\.subnte: unknown key$/,
    /did you mean "subnet"/,
  ],
  [
    "an unknown key at the top",
    "sandbox:\n  a:",
    /shop\.yaml:1: sandbox: unknown key|shop\.yaml:2: sandbox: unknown key/,
    /did you mean "sandboxes"/,
  ],
  ["YAML that is none", "networks: [", /shop\.yaml:1: /],
  ["a key twice", "networks:\n  a: {}\n  a: {}", /shop\.yaml:3: Map keys must be unique/],
  [
    "an unknown network",
    "networks: { front: }\nsandboxes:\n  web:\n    networks: [fornt]",
    /shop\.yaml:4: sandboxes\.web\.networks\[0\]: there is no network "fornt"/,
    /did you mean "front"/,
  ],
  ["a network twice", "networks: { a: }\nsandboxes:\n  web: { networks: [a, a] }", /network "a" is named twice/],
  [
    "a subnet that is none",
    "networks:\n  a: { subnet: 10.1.0.0 }",
    /shop\.yaml:2: networks\.a\.subnet: "10\.1\.0\.0" is not in CIDR notation/,
  ],
  ["two IPv4 subnets", "networks:\n  a: { subnet: [10.1.0.0/24, 10.2.0.0/24] }", /at most one IPv4 subnet/],
  [
    "a subnet of a family that is off",
    'networks:\n  a:\n    subnet: "fd00::/64"\n    ipv6: no',
    /shop\.yaml:4: networks\.a\.ipv6: IPv6 is off/,
  ],
  [
    "an address outside the subnet",
    "networks: { a: { subnet: 10.1.0.0/24 } }\nsandboxes:\n  w:\n    networks:\n      a: { ipv4: 10.2.0.1 }",
    /shop\.yaml:5: sandboxes\.w\.networks\.a\.ipv4: 10\.2\.0\.1 lies outside 10\.1\.0\.0\/24/,
  ],
  [
    "an address without a subnet",
    "networks: { a: }\nsandboxes:\n  w:\n    networks:\n      a: { ipv4: 10.2.0.1 }",
    /has no IPv4 subnet/,
    /give the network a `subnet:`/,
  ],
  [
    "an address of the other family",
    'networks: { a: { subnet: 10.1.0.0/24 } }\nsandboxes:\n  w: { networks: { a: { ipv4: "fd00::1" } } }',
    /no IPv4 address/,
  ],
  [
    "a port that is none",
    "sandboxes:\n  w:\n    listen: 65536",
    /shop\.yaml:3: sandboxes\.w\.listen: expected a whole number from 1 to 65535/,
  ],
  ["a port that is text", "sandboxes:\n  w:\n    listen: [http]", /listen\[0\]: expected a whole number/],
  ["a process without a command", "sandboxes:\n  w:\n    run: { env: { A: b } }", /`command` is missing/],
  ["an empty command", "sandboxes:\n  w:\n    run: { command: [] }", /a command needs a program/],
  [
    "an expectation of a stranger",
    "sandboxes: { web: { listen: 80 } }\nexpect:\n  wbe: { web: yes }",
    /there is no sandbox "wbe"/,
    /did you mean "web"/,
  ],
  [
    "an expectation of one who does not listen",
    "sandboxes: { a: , b: }\nexpect:\n  a: { b: yes }",
    /shop\.yaml:3: expect\.a\.b: sandbox "b" listens on no port/,
  ],
  [
    "an expectation of oneself",
    "sandboxes: { a: { listen: 80 } }\nexpect:\n  a: { a: yes }",
    /not measured against itself/,
  ],
  [
    "an expectation that is neither yes nor no",
    "sandboxes: { a: { listen: 80 }, b: }\nexpect:\n  b: { a: maybe }",
    /expected yes or no/,
  ],
  ["a bad name", "networks:\n  a/b: {}", /"a\/b" is no name/],
  ["no sandboxes", "networks: { a: }", /there are no sandboxes/],
  ["nothing", "", /there are no sandboxes/],
  ["a list where there should be keys", "networks: [front]", /networks: expected a mapping/],
  ["a document that refers to itself", "networks: &a\n  b: *a\n", /unknown key/],
];
for (const [name, text, message, advice] of refusals) {
  test(`a file with ${name} is refused, by line and key`, () => {
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(isPortolanError(error, "invalid-argument"), String(error));
        assert.match(error.message, message);
        if (advice) assert.match(error.advice ?? "", advice);
        return true;
      },
    );
  });
}

test("a file that is not there is said to be so", () => {
  assert.throws(() => readTopology("/nowhere/shop.yaml"), { code: "not-found", object: "/nowhere/shop.yaml" });
});

test("whatever text is given, it is a topology or refused", () => {
  const words = fc.constantFrom(
    "networks",
    "sandboxes",
    "expect",
    "a",
    "b",
    "run",
    "listen",
    "subnet",
    ":",
    " ",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&x ",
    "*x",
    "yes",
    "10.0.0.0/8",
    "1",
    "!!map",
    "? ",
    "|",
    '"',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (parts) => {
      try {
        parse(parts.join(""));
      } catch (error) {
        assert.ok(isPortolanError(error), String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test("every example is a topology", () => {
  const examples = globSync(join(import.meta.dirname, "../../../examples/*.yaml"));
  assert.ok(examples.length >= 4);
  for (const file of examples) assert.ok(readTopology(file).expectations.length > 0, file);
});
