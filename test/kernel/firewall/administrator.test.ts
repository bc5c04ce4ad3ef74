/** The administrator's chain: it is asked before any published port and anything else that is forwarded, whoever sends it, over both families. */
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { addressOf } from "../../../src/address/cidr.ts";
import { createController } from "../../../src/model/controller.ts";
import type { NetworkController } from "../../../src/model/types.ts";
import { inSubnets, makeOutside } from "../../support/outside.ts";
import { type Peer, startPeer } from "../../support/peers.ts";
import { enterTestHost, exec, missing } from "../../support/test-host.ts";
import { startCallers, startEcho } from "../../support/traffic.ts";

enterTestHost();
const skip = missing("nft");

const outside = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
const host = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
const families = [4, 6] as const;
type Family = (typeof families)[number];
/** Names of a family in nft's words. */
const words = { 4: { family: "ipv4", header: "ip" }, 6: { family: "ipv6", header: "ip6" } } as const;

let controller: NetworkController;
let echo: AsyncDisposable;
const peers: Record<string, Peer> = {};
const peer = (name: string): Peer => peers[name] ?? assert.fail(name);

before(async () => {
  if (skip) return;
  makeOutside(inSubnets(host), inSubnets(outside));
  controller = await createController({ runDir: "/run/portolan" });
  const front = await controller.createNetwork({ name: "front", enableIpv6: true });
  const back = await controller.createNetwork({ name: "back", enableIpv6: true });
  for (const [name, network, publish] of [
    ["web", front, ["8080:80", "8081:81"]],
    ["other", front, []],
    ["api", back, []],
  ] as const) {
    const sandbox = await controller.createSandbox({ name });
    await controller.connect(network, sandbox, { publish });
    peers[name] = startPeer(name, sandbox.info().namespace);
  }
  peers["outside"] = startPeer("outside", "/run/netns/outside");
  await peer("web").serve(80);
  await peer("outside").serve(9000);
  echo = await startEcho(controller.sandbox("web").info().namespace, 81);
});

after(async () => {
  await echo?.[Symbol.asyncDispose]();
  for (const one of Object.values(peers)) await one.stop();
  for (const { id } of controller?.sandboxes() ?? []) await controller.sandbox(id).delete();
  await controller?.pruneNetworks();
  await controller?.close();
});

afterEach(() => {
  if (!skip) exec("nft", "flush chain inet portolan portolan-user");
});

/** What the administrator writes. */
const write = (rule: string): string => exec("nft", `add rule inet portolan portolan-user ${rule}`);

/** An address of a sandbox. */
function addressIn(name: string, family: Family): string {
  const [endpoint] = controller.sandbox(name).info().endpoints;
  return addressOf((family === 4 ? endpoint?.ipv4 : endpoint?.ipv6) ?? assert.fail());
}

for (const family of families) {
  const { family: nfproto, header } = words[family];

  test(`a published port that it closes is closed to the outside, to other networks and to its own, over IPv${family}`, {
    skip,
  }, async () => {
    const asked = () =>
      Promise.all(["outside", "api", "other"].map((name) => peer(name).ask("tcp", host[family], 8080)));
    assert.ok((await asked()).every((answer) => answer?.startsWith("web ")));
    write(`meta nfproto ${nfproto} tcp dport 80 ct original proto-dst 8080 drop`);
    assert.deepEqual(await asked(), [undefined, undefined, undefined]);
    const another = family === 4 ? 6 : 4;
    assert.match((await peer("outside").ask("tcp", host[another], 8080)) ?? "", /^web /, "the other family is open");
  });

  test(`it tells who may come to a published port by the address that they come from, over IPv${family}`, {
    skip,
  }, async () => {
    write(`ct status dnat ${header} saddr ${outside[family]} drop`);
    assert.equal(await peer("outside").ask("tcp", host[family], 8080), undefined);
    assert.match((await peer("api").ask("tcp", host[family], 8080)) ?? "", /^web /);
  });

  test(`what containers send out is asked for, too, over IPv${family}`, { skip }, async () => {
    assert.match((await peer("web").ask("tcp", outside[family], 9000)) ?? "", /^outside /);
    write(`${header} daddr ${outside[family]} ${header} saddr ${addressIn("web", family)} drop`);
    assert.equal(await peer("web").ask("tcp", outside[family], 9000), undefined);
    assert.match((await peer("api").ask("tcp", outside[family], 9000)) ?? "", /^outside /);
  });

  test(`what it accepts passes where networks are kept apart, over IPv${family}`, { skip }, async () => {
    const address = addressIn("web", family);
    assert.equal(await peer("api").ask("tcp", address, 80), undefined);
    write(`${header} daddr ${address} tcp dport 80 accept`);
    assert.equal(await peer("api").ask("tcp", address, 80), `web 80 ${addressIn("api", family)}`);
  });

  test(`connections that run are asked for as well: what it drops stops at once, over IPv${family}`, {
    skip,
  }, async () => {
    await using callers = await startCallers(
      "/run/netns/outside",
      { address: host[family], port: 8081 },
      { count: 3, interval: 20 },
    );
    assert.ok((await callers.flow()).fewest > 0);
    write(`tcp dport 81 ${header} saddr ${outside[family]} drop`);
    const stopped = await callers.still();
    assert.equal(stopped.fewest, 0);
    exec("nft", "flush chain inet portolan portolan-user");
    assert.ok((await callers.flow()).fewest > 0, "and goes on when it no longer does");
  });
}
