/** Counters of endpoints against those that `ip` tells inside, and against traffic of known size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { enterTestHost, run } from "../../../support/test-host.ts";
import { controllerFor, directories } from "../../model/support.ts";
import { addressIn, inside } from "./sandboxes.ts";

enterTestHost();

type Way = "rx" | "tx";
interface Listed {
  readonly stats64: Readonly<Record<Way, { bytes: number; packets: number; errors: number; dropped: number }>>;
}

test("what an endpoint has received and sent is what its sandbox counts", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const front = await controller.createNetwork({
    name: "front",
    options: { "com.docker.network.advertise_addr_nmsgs": "0" },
  });
  for (const name of ["web", "client"])
    await controller.connect(front, await controller.createSandbox({ name }), { name });
  const web = controller.endpoint("web");
  const before = await web.statistics();
  // 1,000 bytes of data, 8 of ICMP, 20 of IP, 14 of Ethernet.
  inside(controller, "client", "ping", "-c", "5", "-i", "0.01", "-s", "1000", addressIn(web.info(), 4));
  const listed = (): Listed["stats64"] => {
    const [{ stats64 }] = JSON.parse(inside(controller, "web", "ip", "-s", "-j", "link", "show", "eth0")) as [Listed];
    return stats64;
  };
  // The kernel looks after its neighbours when it likes: what is compared is told between two equal answers.
  let after = await web.statistics();
  let theirs = listed();
  for (let told: unknown; !isDeepStrictEqual(told, theirs); theirs = listed()) {
    told = theirs;
    after = await web.statistics();
  }
  for (const way of ["rx", "tx"] as const) {
    const [bytes, packets] = [after[way].bytes - before[way].bytes, after[way].packets - before[way].packets];
    assert.ok(bytes >= 5 * 1042 && bytes < 5 * 1042 + 500, `${way} ${bytes} bytes`);
    assert.ok(packets >= 5 && packets <= 10, `${way} ${packets} packets`);
  }
  for (const way of ["rx", "tx"] as const) {
    const { bytes, packets, errors, dropped } = theirs[way];
    assert.deepEqual(after[way], { bytes, packets, errors, dropped });
  }
  assert.deepEqual(await controller.statistics({ sandbox: ["web"] }), [after]);
  assert.equal((await controller.statistics()).length, 2);
});

test("frames that are thrown away are told as dropped", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const front = await controller.createNetwork({ name: "front" });
  await controller.connect(front, await controller.createSandbox({ name: "web" }), { name: "web" });
  // Nobody takes what a sandbox sends by a link whose other end is down.
  const [{ ifname }] = JSON.parse(run("ip -j link show type veth")) as [{ readonly ifname: string }];
  run(`ip link set ${ifname} down`);
  inside(controller, "web", "sh", "-c", "ping -c 1 -W 1 10.255.255.1 || true");
  // The kernel goes on asking for the neighbour for a while.
  const listed = (): number => {
    const [{ stats64 }] = JSON.parse(inside(controller, "web", "ip", "-s", "-j", "link", "show", "eth0")) as [Listed];
    return stats64.tx.dropped;
  };
  const before = listed();
  const { tx } = await controller.endpoint("web").statistics();
  assert.ok(0 < before && before <= tx.dropped && tx.dropped <= listed(), `${tx.dropped} dropped`);
});

test("an endpoint without an interface has nothing to count, and an interface that is gone is told", async (t) => {
  const controller = await controllerFor(t, directories(t));
  const front = await controller.createNetwork({ name: "front" });
  const apart = await front.createEndpoint({ name: "apart" });
  await assert.rejects(apart.statistics(), { code: "not-found", reason: "it is in no sandbox" });
  const alone = await controller.createSandbox({ name: "alone" });
  const none = await controller.connect(controller.network("none"), alone);
  await assert.rejects(none.statistics(), { code: "not-found", reason: "its network gives it none" });
  const web = await controller.connect(front, await controller.createSandbox({ name: "web" }));
  inside(controller, "web", "ip", "link", "delete", "eth0");
  await assert.rejects(web.statistics(), { code: "not-found", message: /the interface eth0 .* is gone/ });
  assert.deepEqual(await controller.statistics(), []);
});
