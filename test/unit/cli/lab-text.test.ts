import assert from "node:assert/strict";
import { test } from "node:test";
import { diffText, downText, labsText, leavingText, matrixText } from "../../../src/cli/lab-text.ts";
import type { LabStatus } from "../../../src/lab/lab.ts";
import type { Reach } from "../../../src/lab/reachability.ts";

const reach = (from: string, to: string, rest: Partial<Reach>): Reach => ({
  from,
  to,
  measured: "no",
  attempts: [],
  ...rest,
});

test("the matrix has a row for each that asks and a column for each that is asked, in the same order", () => {
  assert.equal(
    matrixText([
      reach("web", "api", { measured: "yes", ipv4: true, ipv6: true }),
      reach("web", "db", { measured: "no", ipv4: false, expected: "no" }),
      reach("api", "web", { measured: "no" }),
      reach("api", "db", { measured: "partly", ipv4: true, ipv6: false, expected: "yes" }),
    ]),
    [
      "FROM \\ TO   web       api                db",
      "web         -         yes (IPv4, IPv6)   no",
      "api         no        -                  partly (IPv4) !",
    ].join("\n"),
  );
});

const status: LabStatus = {
  name: "shop",
  file: "/tmp/shop.yaml",
  isolated: true,
  daemon: { pid: 42, running: true, socket: "/run/x.sock" },
  networks: [],
  sandboxes: [],
  processes: [{ sandbox: "web", pid: 43, command: ["node"], running: true, log: "/tmp/log" }],
};

test("topologies that are up are listed with the host they are on", () => {
  const lines = labsText([status, { ...status, name: "dead", daemon: { pid: 1, running: false, socket: "" } }]).split(
    "\n",
  );
  assert.match(lines[1] ?? "", /^shop +isolated \(42\) +0 +0 +1 +\/tmp\/shop\.yaml$/);
  assert.match(lines[2] ?? "", /^dead +gone /);
});

test("down says what went, and --dry-run what would", () => {
  const gone = { name: "shop", isolated: true, networks: ["a", "b"], sandboxes: ["c"], processes: [] };
  assert.equal(downText(gone), 'Topology "shop" is down: 1 sandbox, 2 networks, 0 processes and its host went.');
  assert.equal(leavingText(status), 'Topology "shop" is up: 0 sandboxes, 0 networks, 1 process and its host would go.');
});

test("a topology without differences is said to be as the file says", () => {
  assert.equal(diffText({ name: "shop", isolated: false, differences: [] }), 'Topology "shop" is as the file says.');
});
