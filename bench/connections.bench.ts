/**
 * New TCP connections a second through a published port, while one other port is published and while ten thousand are: as ports of their own, which are
 * elements of a hash map, and as rows of ten, which are elements of a map of intervals. A machine outside makes them one after the other, as fast as it can.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createController } from "../src/model/controller.ts";
import { makeOutside } from "../test/support/outside.ts";
import { exec } from "../test/support/test-host.ts";
import { enterBenchHost } from "./host.ts";
import { median, report } from "./measure.ts";

enterBenchHost({ packages: ["iproute2", "perl-base"] });

const rounds = 9;
/** Measurements in a row, each of so many connections. */
const windows = 5;
const connections = 2000;
/** What was published before is taken apart in the background: milliseconds until it is gone. */
const quiet = 200;
const kinds = ["one", "ports", "rows"] as const;
const host = "192.0.2.1";

/** Takes connections and closes them. */
const server = `
  use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($s, pack_sockaddr_in(80, INADDR_ANY)) && listen($s, 4096) or die $!; $| = 1; print "ready\\n";
  while (accept(my $c, $s)) { close $c }`;

/** Makes connections and cuts them (SO_LINGER), so that neither side keeps closed ones; prints how many it made in a second. */
const client = `
  use Socket; use Time::HiRes "time"; my $to = pack_sockaddr_in(8080, inet_aton("${host}")); my $begin = time;
  for (1 .. ${connections}) { socket(my $s, PF_INET, SOCK_STREAM, 0); connect($s, $to) or die $!;
    setsockopt($s, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)); close $s }
  print ${connections} / (time - $begin);`;

const rate = (): number => Number(exec("nsenter", "--net=/run/netns/outside", "perl", "-e", client));

const others: Readonly<Record<(typeof kinds)[number], readonly string[]>> = {
  one: ["20000:30000"],
  ports: ["20000-29999:30000-39999"],
  rows: Array.from({ length: 1000 }, (_, at) => {
    // A free port between two rows, so that they are no single one.
    const row = `${10_000 + 11 * at}-${10_000 + 11 * at + 9}`;
    return `${row}:${row}`;
  }),
};

makeOutside([`${host}/24`], ["192.0.2.2/24"]);
await using controller = await createController({ runDir: "/run/portolan" });
const network = await controller.createNetwork({ name: "bench" });
const web = await controller.createSandbox({ name: "web" });
await controller.connect(network, web, { publish: ["8080:80"] });
let child: ChildProcess | undefined;
try {
  child = spawn("nsenter", [`--net=${web.info().namespace}`, "perl", "-e", server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout !== null) await once(child.stdout, "data");
  const rates = { one: [] as number[], ports: [] as number[], rows: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    // Each goes first, second and last in turn.
    for (const at of kinds.keys()) {
      const kind = kinds[(round + at) % kinds.length] ?? "one";
      const sandbox = await controller.createSandbox({ name: "other" });
      await controller.connect(network, sandbox, { publish: others[kind] });
      await sleep(quiet);
      for (let window = 0; window < windows; window++) rates[kind].push(rate());
      await sandbox.delete();
      await controller.settle();
    }
  }
  const one = median(rates.one);
  report(
    (["ports", "rows"] as const).map((kind) => ({
      what: `new TCP connections through a published port beside 10,000 others${kind === "rows" ? " in rows of ten" : ""}`,
      ours: median(rates[kind]),
      unit: "connections/s",
      other: { name: "beside one other", value: one },
      bar: "≥ 0.95 ×",
      met: median(rates[kind]) >= 0.95 * one,
    })),
  );
} finally {
  child?.kill("SIGKILL");
  await web.delete();
  await network.delete();
}
