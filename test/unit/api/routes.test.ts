/** The HTTP API around an engine without a kernel: what each address answers, and how failures are told. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { buildApp } from "../../../src/api/app.ts";
import { createController } from "../../../src/model/controller.ts";
import { Faults } from "../../support/faults.ts";
import { createMemoryEngine } from "../../support/memory-engine.ts";

type Method = "GET" | "POST" | "DELETE";

interface Answer {
  readonly status: number;
  // Whatever JSON the address answers with: each test says what it expects of it.
  // biome-ignore lint/suspicious/noExplicitAny: a test's own look into JSON
  readonly body: any;
}

async function api(t: TestContext) {
  const faults = new Faults();
  const engine = createMemoryEngine({ faults });
  const controller = await createController({ engine });
  const app = await buildApp(controller, { stateDir: "/state", runDir: "/run/portolan" });
  t.after(async () => {
    await app.close();
    await controller.close();
  });
  const ask = async (method: Method, path: string, payload?: object): Promise<Answer> => {
    const response = await app.inject({ method, url: `/portolan/v1${path}`, ...(payload && { payload }) });
    return { status: response.statusCode, body: response.payload === "" ? undefined : response.json() };
  };
  return { ask, faults, engine, app };
}

test("networks are created, listed by filters, shown, and deleted", async (t) => {
  const { ask } = await api(t);
  const made = await ask("POST", "/networks", { name: "front", enableIpv6: true, labels: { tier: "1" } });
  assert.equal(made.status, 201);
  assert.equal(made.body.driver, "bridge");
  assert.equal((await ask("GET", "/networks")).body.length, 4);
  const filters = encodeURIComponent(JSON.stringify({ label: ["tier=1"] }));
  const found = await ask("GET", `/networks?filters=${filters}`);
  assert.deepEqual(found.body, [made.body]);
  assert.deepEqual((await ask("GET", `/networks/${made.body.id.slice(0, 12)}`)).body, made.body);
  assert.equal((await ask("DELETE", "/networks/front")).status, 200);
  assert.equal((await ask("GET", "/networks/front")).status, 404);
});

test("prune answers what went, and leaves what is used", async (t) => {
  const { ask } = await api(t);
  await ask("POST", "/networks", { name: "empty" });
  await ask("POST", "/networks", { name: "used" });
  await ask("POST", "/sandboxes", { name: "web" });
  await ask("POST", "/networks/used/endpoints", { sandbox: "web" });
  const { body } = await ask("POST", "/networks/prune");
  assert.deepEqual(
    body.map(({ name }: { readonly name: string }) => name),
    ["empty"],
  );
});

test("what endpoints have received and sent is told of those that have an interface", async (t) => {
  const { ask } = await api(t);
  await ask("POST", "/networks", { name: "front" });
  await ask("POST", "/sandboxes", { name: "web" });
  await ask("POST", "/networks/front/endpoints", { sandbox: "web", name: "one" });
  await ask("POST", "/networks/front/endpoints", { name: "apart" });
  const none = { bytes: 0, packets: 0, errors: 0, dropped: 0 };
  const { status, body } = await ask("GET", "/endpoints/one/statistics");
  assert.deepEqual([status, body.interfaceName, body.sandbox.name, body.rx, body.tx], [200, "eth0", "web", none, none]);
  assert.deepEqual((await ask("GET", "/statistics")).body, [body]);
  const filters = encodeURIComponent(JSON.stringify({ sandbox: ["other"] }));
  assert.deepEqual((await ask("GET", `/statistics?filters=${filters}`)).body, []);
  const refused = await ask("GET", "/endpoints/apart/statistics");
  assert.deepEqual([refused.status, refused.body.reason], [404, "it is in no sandbox"]);
});

test("an endpoint is made, joins, leaves and goes; or all in one step", async (t) => {
  const { ask, engine } = await api(t);
  await ask("POST", "/networks", { name: "front" });
  await ask("POST", "/sandboxes", { name: "web" });
  const { body: endpoint } = await ask("POST", "/networks/front/endpoints", { name: "one" });
  assert.equal(endpoint.sandbox, undefined);
  const joined = await ask("POST", `/endpoints/${endpoint.id}/join`, { sandbox: "web", gatewayPriority: 3 });
  assert.equal(joined.status, 200);
  const { body: seen } = await ask("GET", "/endpoints/one");
  assert.deepEqual([seen.sandbox.name, seen.interfaceName, seen.gatewayPriority], ["web", "eth0", 3]);
  assert.equal((await ask("GET", "/sandboxes/web")).body.endpoints.length, 1);
  await ask("POST", "/endpoints/one/leave");
  assert.equal((await ask("GET", "/endpoints/one")).body.sandbox, undefined);
  assert.equal((await ask("DELETE", "/endpoints/one")).status, 200);
  const connected = await ask("POST", "/networks/front/endpoints", { sandbox: "web", aliases: ["www"] });
  assert.equal(connected.status, 201);
  assert.deepEqual([connected.body.name, connected.body.aliases], ["web", ["www"]]);
  assert.equal((await ask("DELETE", "/sandboxes/web")).status, 200);
  assert.equal((await ask("DELETE", "/networks/front")).status, 200);
  assert.deepEqual(engine.objects(), []);
});

test("with explain the answer carries the commands, and with dryRun nothing is done", async (t) => {
  const { ask, engine } = await api(t);
  const { status, body } = await ask("POST", "/networks?explain=true&dryRun=true", { name: "front" });
  assert.equal(status, 201);
  assert.equal(body.result.name, "front");
  assert.ok(body.commands.some((line: string) => line.startsWith("ip link add br-")));
  assert.deepEqual(engine.objects(), []);
  assert.equal((await ask("GET", "/networks/front")).status, 404);
});

/** Requests that are refused, with the status, the code and what the error says. */
const refused: readonly (readonly [Method, string, object | undefined, number, string, RegExp])[] = [
  ["GET", "/networks/none-such", undefined, 404, "not-found", /network none-such not found/],
  ["DELETE", "/networks/bridge", undefined, 403, "forbidden", /pre-defined/],
  ["POST", "/networks", { name: "bridge" }, 409, "exists", /already exists/],
  ["POST", "/networks", { name: "x", driver: "brigde" }, 404, "unknown-driver", /did you mean "bridge"/],
  ["POST", "/networks", { nmae: "x" }, 400, "invalid-argument", /name/],
  ["POST", "/networks", { name: "x", enableIpv9: true }, 400, "invalid-argument", /did you mean "enableIpv[46]"/],
  ["POST", "/networks", { name: "x", enableIpv6: "yes" }, 400, "invalid-argument", /enableIpv6/],
  ["POST", "/networks", { name: "x", options: { "com.docker.network.driver.mut": "9" } }, 400, "invalid-option", /mtu/],
  ["GET", "/networks?filters=nonsense", undefined, 400, "invalid-argument", /filters cannot be read/],
  ["GET", "/networks?filtres=%7B%7D", undefined, 400, "invalid-argument", /did you mean "filters"/],
  ["POST", "/sandboxes", { name: "" }, 400, "invalid-argument", /name/],
  ["POST", "/sandboxes", { name: "a", netns: "/run/none" }, 404, "not-found", /not a network namespace/],
  ["POST", "/networks/bridge/endpoints", { sandbox: "nobody" }, 404, "not-found", /sandbox nobody/],
  ["GET", "/nothing", undefined, 404, "not-found", /there is no GET/],
];

for (const [method, path, payload, status, code, words] of refused) {
  test(`${method} ${path} ${JSON.stringify(payload) ?? ""} is refused as ${code}`, async (t) => {
    const { ask } = await api(t);
    const answer = await ask(method, path, payload);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.equal(answer.body.code, code);
    assert.match(JSON.stringify(answer.body).replaceAll('\\"', '"'), words);
  });
}

test("a body that is no JSON is the caller's fault", async (t) => {
  const { app } = await api(t);
  const headers = { "content-type": "application/json" };
  const response = await app.inject({ method: "POST", url: "/portolan/v1/networks", headers, payload: "{" });
  assert.equal(response.statusCode, 400);
  assert.equal(response.json().code, "invalid-argument");
});

test("what the kernel refuses is told with the object, the kernel's words and advice", async (t) => {
  const { ask, faults } = await api(t);
  faults.arm({ at: 20, errno: "EPERM" });
  const { status, body } = await ask("POST", "/networks", { name: "front" });
  assert.equal(status, 500);
  assert.equal(body.code, "kernel");
  assert.match(body.reason, /^EPERM: /);
  assert.match(body.advice, /needs root/);
  assert.ok(body.object);
});

test("the engine says who it is, how it does, and mends on request", async (t) => {
  const { ask, engine } = await api(t);
  const { body: info } = await ask("GET", "/info");
  assert.deepEqual([info.pid, info.stateDir, info.runDir], [process.pid, "/state", "/run/portolan"]);
  await ask("POST", "/networks", { name: "front" });
  assert.deepEqual((await ask("GET", "/doctor")).body.problems, []);
  const bridge = engine.objects().find(({ kind }) => kind === "link");
  assert.ok(bridge);
  engine.vanish(bridge);
  const { body: report } = await ask("GET", "/doctor");
  assert.equal(report.problems[0].code, "drift");
  assert.ok((await ask("POST", "/reconcile")).body.changes > 0);
  assert.deepEqual((await ask("POST", "/reconcile")).body, { changes: 0 });
});
