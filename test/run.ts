/**
 * Runs what `npm test` promises: the checks (build, types, lint, arrows, dead code), then the suites in order. Names on the command line select
 * some of them (`node test/run.ts unit kernel`). The last line is always `N passed, N failed, N skipped`.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { compiledModules } from "./support/compiled-modules.ts";
import { installDebianPackages } from "./support/debian-packages.ts";

const root = join(import.meta.dirname, "..");
process.chdir(root);
process.env["PATH"] = `${join(root, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`;
process.env["NODE_COMPILE_CACHE"] = compiledModules;

/** Checks without tests of their own: each counts as one. */
const checks: Readonly<Record<string, readonly string[]>> = {
  build: ["node", "scripts/build.mjs"],
  types: ["tsc", "-p", "tsconfig.json"],
  lint: ["biome", "ci", "--diagnostic-level=warn", "."],
  arrows: ["depcruise", "--config", ".dependency-cruiser.mjs", "src"],
  unused: ["knip", "--no-progress"],
};

interface Suite {
  readonly files: string;
  /** Those of them that are another suite's. */
  readonly without?: readonly string[];
  /** How many test files run at once. */
  readonly concurrency: number;
  /** Debian packages whose programs the suite compares with or drives; missing ones are installed. */
  readonly packages: readonly string[];
}

/** Operations at each of their steps: half of the kernel's tests by their time. */
const steps = "test/kernel/{cni,model}/{explain,faults,kill,sequences}.test.ts";

/** Suites by name, in the order in which they run. */
const suites: Readonly<Record<string, Suite>> = {
  unit: { files: "test/unit/**/*.test.ts", concurrency: 2, packages: [] },
  fuzz: { files: "test/fuzz/**/*.test.ts", concurrency: 1, packages: [] },
  property: { files: "test/property/**/*.test.ts", concurrency: 2, packages: [] },
  golden: { files: "test/golden/**/*.test.ts", concurrency: 2, packages: [] },
  kernel: {
    files: "test/kernel/**/*.test.ts",
    without: [steps],
    // Connections are tried against the clock: two files at once on two processors make each other late.
    concurrency: 1,
    packages: [
      "iproute2",
      "nftables",
      "iptables",
      "iputils-ping",
      "procps",
      "conntrack",
      "zsh",
      "fish",
      "containernetworking-plugins",
    ],
  },
  steps: {
    files: steps,
    // They wait for the kernel most of the time, and nothing in them is tried against the clock.
    concurrency: 2,
    packages: ["iproute2", "nftables", "iptables", "procps", "conntrack", "containernetworking-plugins"],
  },
  clients: {
    files: "test/clients/**/*.test.ts",
    concurrency: 1,
    packages: [
      "iproute2",
      "nftables",
      "iptables",
      "docker.io",
      "containerd",
      "runc",
      "busybox-static",
      "ufw",
      "firewalld",
      "dbus",
      "containernetworking-plugins",
      "podman",
      "conmon",
      "golang-go",
      "golang-github-appc-cni-dev",
    ],
  },
  conformance: {
    files: "{conformance/self-test,test/conformance}/*.test.ts",
    // Each runs checks of its own side by side.
    concurrency: 1,
    packages: ["iproute2", "nftables", "iptables", "containernetworking-plugins"],
  },
  testkernel: {
    files: "test/testkernel/*.test.ts",
    concurrency: 1,
    packages: ["qemu-system-x86", "qemu-system-common", "busybox-static", "kmod", "iproute2", "iputils-ping"],
  },
};

const totals = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];
const failures: string[] = [];

/** Runs one check and counts it. */
function check(name: string, command: readonly string[]): void {
  const [program = "", ...args] = command;
  console.log(`\n== ${name}: ${command.join(" ")}`);
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status === 0) totals.passed++;
  else {
    totals.failed++;
    failures.push(`check ${name}${error === undefined ? "" : `: ${error.message}`}`);
  }
}

/** Runs one suite with node:test, each file in a process of its own, and counts its tests. */
async function runSuite(name: string, suite: Suite): Promise<void> {
  // From the last: of `steps` the longest are the model's, which two processors are to begin with.
  const files = globSync(suite.files, { exclude: suite.without ?? [] })
    .toSorted()
    .toReversed();
  console.log(`\n== ${name}: ${files.length} files`);
  installDebianPackages(suite.packages);
  if (files.length === 0) return;
  const stream = run({ files, concurrency: suite.concurrency, isolation: "process", cwd: root });
  stream.on("test:pass", (test) => {
    if (test.details.type === "suite") return;
    if (test.skip === undefined && test.todo === undefined) totals.passed++;
    else {
      totals.skipped++;
      skips.push(`${name}: ${test.name}: ${String(test.skip ?? test.todo)}`);
    }
  });
  stream.on("test:fail", (test) => {
    if (test.details.type === "suite") return;
    totals.failed++;
    failures.push(`${name}: ${test.name}${test.file === undefined ? "" : ` (${test.file})`}`);
  });
  const report = stream.compose(new spec());
  for await (const line of report) process.stdout.write(line);
}

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!(name in checks) && !(name in suites)) {
    console.error(
      `there is no check or suite "${name}"; there are ${[...Object.keys(checks), ...Object.keys(suites)].join(", ")}`,
    );
    process.exit(2);
  }
}
const selected = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

for (const [name, command] of Object.entries(checks)) if (selected(name)) check(name, command);
for (const [name, suite] of Object.entries(suites)) if (selected(name)) await runSuite(name, suite);

if (skips.length > 0) console.log(`\nskipped:\n${skips.map((line) => `  ${line}`).join("\n")}`);
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((line) => `  ${line}`).join("\n")}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
