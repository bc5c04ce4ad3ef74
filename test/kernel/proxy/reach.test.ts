/** Who reaches published ports by the proxy: the host by ::1, and IPv6 clients those of sandboxes without IPv6. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { enterTestHost, run } from "../../support/test-host.ts";
import { type Ground, gatewayOf, host, makeGround, protocols, second } from "../drivers/bridge/ground.ts";
import { proxyPort } from "./support.ts";

enterTestHost();

/** What each sandbox publishes; one for each pair of families. */
const published = {
  both: ["8001:80", "[::1]:8002:80", "8100-8101:80-81", "127.0.0.1:8009:80"],
  four: ["8003:80", "[::1]:8004:80", `[${host[6]}]:8005:80`, "8200-8201:80-81"],
  six: ["8006:80", "8300-8301:80-81"],
} as const;

interface Case {
  readonly from: string;
  readonly to: readonly [address: string, port: number];
  /** The sandbox and its port, and the network whose gateway it sees as its client; nobody where absent. */
  readonly answered?: readonly [sandbox: string, port: number, client: string];
}

const viaBoth = gatewayOf(1, 6);
const viaFour = gatewayOf(2, 4);
const viaSix = gatewayOf(3, 6);

const cases: readonly Case[] = [
  { from: "host", to: ["::1", 8001], answered: ["both", 80, viaBoth] },
  { from: "host", to: ["::1", 8002], answered: ["both", 80, viaBoth] },
  { from: "host", to: ["::1", 8101], answered: ["both", 81, viaBoth] },
  { from: "host", to: ["::1", 8009] },
  { from: "host", to: ["::1", 8010] },
  { from: "host", to: ["::1", 8003], answered: ["four", 80, viaFour] },
  { from: "host", to: ["::1", 8004], answered: ["four", 80, viaFour] },
  { from: "host", to: ["::1", 8005] },
  { from: "host", to: ["::1", 8201], answered: ["four", 81, viaFour] },
  { from: "host", to: ["::1", 8006], answered: ["six", 80, viaSix] },
  { from: "host", to: ["::1", 8301], answered: ["six", 81, viaSix] },
  { from: "host", to: [host[6], 8003], answered: ["four", 80, viaFour] },
  { from: "host", to: [host[6], 8005], answered: ["four", 80, viaFour] },
  { from: "host", to: [second[6], 8003], answered: ["four", 80, viaFour] },
  { from: "host", to: [second[6], 8005] },
  { from: "outside", to: [host[6], 8003], answered: ["four", 80, viaFour] },
  { from: "outside", to: [second[6], 8003], answered: ["four", 80, viaFour] },
  { from: "outside", to: [host[6], 8201], answered: ["four", 81, viaFour] },
  { from: "outside", to: [host[6], 8005], answered: ["four", 80, viaFour] },
  { from: "outside", to: [second[6], 8005] },
  { from: "outside", to: [host[6], 8002] },
  { from: "outside", to: [host[6], 8004] },
  { from: "both", to: [host[6], 8003], answered: ["four", 80, viaFour] },
  { from: "both", to: [viaBoth, 8003], answered: ["four", 80, viaFour] },
  { from: "inner", to: [gatewayOf(4, 6), 8003] },
];

describe("the proxy", () => {
  let ground: Ground;
  before(async () => {
    ground = await makeGround();
    await ground.network(1, { name: "both" });
    await ground.network(2, { name: "four", enableIpv6: false });
    await ground.network(3, { name: "six", enableIpv4: false });
    await ground.network(4, { name: "inner", internal: true });
    for (const [name, ports] of Object.entries(published))
      await ground.sandbox(name, name, ...ports.flatMap((port) => protocols.map((protocol) => `${port}/${protocol}`)));
    await ground.sandbox("inner", "inner");
  });
  after(() => ground[Symbol.asyncDispose]());

  for (const protocol of protocols) {
    for (const { from, to, answered } of cases) {
      const [address, port] = to;
      const words = answered === undefined ? "nobody" : `${answered[0]}'s port ${answered[1]}`;
      test(`leads ${protocol} from ${from} to [${address}]:${port} to ${words}`, async () => {
        assert.equal(await ground.peer(from).ask(protocol, address, port), answered?.join(" "));
      });
    }

    test(`asks the administrator about ${protocol} from elsewhere, and not about the host's own`, async () => {
      run(`nft add rule inet portolan portolan-user meta l4proto ${protocol} ct original proto-dst 8003 drop`);
      try {
        assert.equal(await ground.peer("outside").ask(protocol, host[6], 8003), undefined);
        assert.equal(await ground.peer("host").ask(protocol, "::1", 8003), `four 80 ${viaFour}`);
        assert.equal(await ground.peer("outside").ask(protocol, host[6], 8005), `four 80 ${viaFour}`);
      } finally {
        run("nft flush chain inet portolan portolan-user");
      }
    });

    test(`leads nobody over ${protocol} who asks it itself`, async () => {
      const port = proxyPort() ?? assert.fail("nothing serves");
      assert.equal(await ground.peer("host").ask(protocol, "::1", port), undefined);
      assert.equal(await ground.peer("outside").ask(protocol, host[6], port), undefined);
      assert.equal(await ground.peer("both").ask(protocol, viaBoth, port), undefined);
    });
  }
});
