import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMac } from "../../../src/address/mac.ts";
import { type Kernel, KernelError } from "../../../src/kernel/kernel.ts";
import type { NetlinkMessage } from "../../../src/kernel/netlink/message.ts";
import { deleteLinkGroup } from "../../../src/kernel/netlink/route/link.ts";
import { departingLinkGroup } from "../../../src/kernel/netlink/route/ownership.ts";
import { openLocalStore } from "../../../src/store/local.ts";
import { Faults } from "../../support/faults.ts";
import { createFaultyKernel } from "../../support/faulty-kernel.ts";
import { createFaultyStore } from "../../support/faulty-store.ts";

const message = (type: number): NetlinkMessage => ({ type, flags: 0, body: new Uint8Array() });

/** A kernel that notes what it is told, and makes nothing of it. */
function recorder(): { readonly kernel: Kernel; readonly done: string[] } {
  const done: string[] = [];
  const note = (name: string) => () => void done.push(name);
  const kernel: Kernel = {
    createNamespace: note("create namespace"),
    dropNamespace: note("drop namespace"),
    namespaceExists: () => false,
    namespaceDescriptor: () => 0,
    forgetNamespaces: () => undefined,
    send(_namespace, _family, messages) {
      done.push(...messages.map(({ type }) => `message ${type}`));
      return messages.map(() => undefined);
    },
    async sendAside(_namespace, _family, { type }) {
      done.push(`message ${type}`);
      return undefined;
    },
    get: () => [],
    dump: () => [],
    async *watch() {},
    hasLink: () => false,
    linkIndex: () => 0,
    legacyTables: () => [],
    openPackets: () => ({
      mac: parseMac("02:00:00:00:00:01"),
      send: () => {},
      post: () => {},
      receive: () => [],
      close: () => {},
    }),
    readSysctl: () => undefined,
    writeSysctl: note("write sysctl"),
    readFile: () => undefined,
    writeFile: note("write file"),
    removeFile: note("remove file"),
    holdPorts: () => undefined,
    releasePorts: () => undefined,
    heldPorts: () => [],
    portRefusal: () => undefined,
    close: () => undefined,
  };
  return { kernel, done };
}

function everything(kernel: Kernel): void {
  kernel.createNamespace("/run/n");
  kernel.send("host", "route", [message(1), message(2), message(3)]);
  kernel.send("host", "netfilter", [message(4), message(5)]);
  kernel.writeSysctl("host", "a", "1");
  kernel.writeFile("/a", "", 0o644);
  kernel.removeFile("/a");
  kernel.dropNamespace("/run/n");
}

test("every changing call and message counts, and what is not to fail is done", () => {
  const { kernel, done } = recorder();
  const faults = new Faults();
  everything(createFaultyKernel(kernel, faults));
  assert.equal(faults.count, 10);
  assert.equal(done.length, 10);
});

test("a message that fails leaves the others of its send to be carried out", () => {
  const { kernel, done } = recorder();
  const faults = new Faults();
  const faulty = createFaultyKernel(kernel, faults);
  faults.arm({ at: 2, errno: "EBUSY" });
  const answers = faulty.send("host", "route", [message(1), message(2), message(3)]);
  assert.deepEqual(
    answers.map((answer) => answer?.code),
    [undefined, "EBUSY", undefined],
  );
  assert.deepEqual(done, ["message 1", "message 3"]);
});

test("a transaction with a message that fails is not carried out at all", () => {
  const { kernel, done } = recorder();
  const faults = new Faults();
  faults.arm({ at: 2 });
  const answers = createFaultyKernel(kernel, faults).send("host", "netfilter", [message(4), message(5)]);
  assert.deepEqual(
    answers.map((answer) => answer?.code),
    [undefined, "EIO"],
  );
  assert.deepEqual(done, []);
});

test("a call that fails throws what the kernel would say, once", () => {
  const { kernel, done } = recorder();
  const faults = new Faults();
  const faulty = createFaultyKernel(kernel, faults);
  const struck: string[] = [];
  faults.arm({ at: 1, errno: "ENOSPC", strike: (change) => struck.push(change) });
  assert.throws(
    () => faulty.writeFile("/a", "", 0o644),
    (error) => error instanceof KernelError && error.refusal.code === "ENOSPC",
  );
  assert.deepEqual(struck, ["writing of file /a"]);
  faulty.writeFile("/a", "", 0o644);
  assert.deepEqual(done, ["write file"]);
});

test("what is sent aside, in the pauses, does not count", async () => {
  const { kernel, done } = recorder();
  const faults = new Faults();
  faults.arm({ at: 1 });
  await createFaultyKernel(kernel, faults).sendAside("host", "route", deleteLinkGroup(departingLinkGroup));
  assert.deepEqual([faults.count, done.length], [0, 1]);
});

test("a commit that fails writes nothing, and the next one is whole", async () => {
  const faults = new Faults();
  const store = createFaultyStore(await openLocalStore({ stateDir: undefined }), faults);
  const put = (id: string) => ({ op: "put", collection: "setting", record: { id, value: "" } }) as const;
  faults.arm({ at: 2 });
  await store.commit([put("a")]);
  await assert.rejects(store.commit([put("b"), put("c")]), { code: "store" });
  await store.commit([put("d")]);
  assert.deepEqual(
    (await store.load()).setting.map(({ id }) => id),
    ["a", "d"],
  );
  assert.deepEqual([faults.count, faults.struck], [3, "commit of put setting, put setting"]);
  await store.close();
});
