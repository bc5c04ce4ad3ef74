import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress } from "../../../src/address/cidr.ts";
import { judge, mismatches, type Reach } from "../../../src/lab/reachability.ts";
import type { SandboxInfo } from "../../../src/model/types.ts";
import { plainEndpoint, plainSandbox } from "../../support/plain-infos.ts";

const sandbox = (name: string, addresses: readonly string[]): SandboxInfo =>
  plainSandbox(name, {
    endpoints: addresses.map((address, index) =>
      plainEndpoint(`${name}-${index}`, {
        [address.includes(":") ? "ipv6" : "ipv4"]: parseInterfaceAddress(address),
      }),
    ),
  });

const both = ["10.1.0.2/24", "fd00:1::2/64"];
const connected = "connected";
const timeout = "timeout";

const cases: readonly {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly ports?: readonly number[];
  /** Outcomes by `ADDRESS PORT`. */
  readonly outcomes: Readonly<Record<string, string>>;
  readonly want: Pick<Reach, "ipv4" | "ipv6" | "measured">;
}[] = [
  {
    name: "by both families: yes",
    from: both,
    to: both,
    outcomes: { "10.1.0.2 80": connected, "fd00:1::2 80": connected },
    want: { ipv4: true, ipv6: true, measured: "yes" },
  },
  {
    name: "by one of two families: partly",
    from: both,
    to: both,
    outcomes: { "10.1.0.2 80": connected, "fd00:1::2 80": timeout },
    want: { ipv4: true, ipv6: false, measured: "partly" },
  },
  {
    name: "by none: no",
    from: both,
    to: both,
    outcomes: { "10.1.0.2 80": timeout, "fd00:1::2 80": "ECONNREFUSED" },
    want: { ipv4: false, ipv6: false, measured: "no" },
  },
  {
    name: "by one of two addresses of a family: yes",
    from: ["10.1.0.9/24"],
    to: ["10.1.0.2/24", "10.2.0.2/24"],
    outcomes: { "10.1.0.2 80": connected, "10.2.0.2 80": timeout },
    want: { ipv4: true, measured: "yes" },
  },
  {
    name: "on one of two ports: partly",
    from: ["10.1.0.9/24"],
    to: ["10.1.0.2/24"],
    ports: [80, 443],
    outcomes: { "10.1.0.2 80": connected, "10.1.0.2 443": "ECONNREFUSED" },
    want: { ipv4: false, measured: "partly" },
  },
  {
    name: "without a family in common: no",
    from: ["10.1.0.9/24"],
    to: ["fd00:1::2/64"],
    outcomes: { "fd00:1::2 80": "ENETUNREACH" },
    want: { measured: "no" },
  },
  {
    name: "by a family that one has alone does not count: yes",
    from: ["10.1.0.9/24"],
    to: both,
    outcomes: { "10.1.0.2 80": connected, "fd00:1::2 80": "ENETUNREACH" },
    want: { ipv4: true, measured: "yes" },
  },
];

for (const { name, from, to, ports = [80], outcomes, want } of cases) {
  test(`reached ${name}`, () => {
    const attempts = Object.entries(outcomes).map(([target, outcome]) => {
      const [address = "", port] = target.split(" ");
      return { address, port: Number(port), outcome };
    });
    const { measured, ipv4, ipv6 } = judge(
      { from: sandbox("a", from), to: sandbox("b", to), ports, targets: attempts },
      attempts,
    );
    assert.deepEqual({ measured, ipv4, ipv6 }, { ipv4: undefined, ipv6: undefined, ...want });
  });
}

test("partly is not what anybody expects", () => {
  const reach = (measured: Reach["measured"], expected?: "yes" | "no"): Reach => ({
    from: "a",
    to: "b",
    measured,
    ...(expected && { expected }),
    attempts: [],
  });
  const bad = [reach("no", "yes"), reach("yes", "no"), reach("partly", "yes"), reach("partly", "no")];
  assert.deepEqual(mismatches([...bad, reach("yes", "yes"), reach("no", "no"), reach("partly")]), bad);
});
