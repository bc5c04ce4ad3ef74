/**
 * Attaching an endpoint to a running sandbox through the library, against the same requests to the kernel replayed in a tight loop: what the model, the
 * store and the state engine cost on top of what the kernel itself takes.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Kernel, NamespaceRef } from "../src/kernel/kernel.ts";
import { createKernel } from "../src/kernel/linux.ts";
import type { NetlinkMessage } from "../src/kernel/netlink/message.ts";
import { createController } from "../src/model/controller.ts";
import { createEngine } from "../src/state/create-engine.ts";
import { enterBenchHost } from "./host.ts";
import { median, report, timed } from "./measure.ts";

enterBenchHost({ packages: ["iproute2"] });

/** Rounds that count; the first ones warm the code up. */
const rounds = 300;
const warmUp = 100;

/** A request to the kernel that can be made again in another namespace. */
type Request = (kernel: Kernel, namespaceOf: (recorded: NamespaceRef) => NamespaceRef) => void;

/** Wraps the seam so that every request that reaches the kernel is noted down. */
function recording(kernel: Kernel, requests: Request[]): Kernel {
  return {
    ...kernel,
    send(namespace, family, messages) {
      const before = descriptors(messages);
      requests.push((again, of) => {
        const path = of(sandboxPath);
        if (before && path !== "host") patch(messages, again.namespaceDescriptor(path));
        for (const refusal of again.send(of(namespace), family, messages)) {
          if (refusal !== undefined) throw new Error(`the replay is refused: ${refusal.message}`);
        }
      });
      return kernel.send(namespace, family, messages);
    },
    get(namespace, family, message) {
      requests.push((again, of) => void again.get(of(namespace), family, message));
      return kernel.get(namespace, family, message);
    },
    dump(namespace, family, message) {
      requests.push((again, of) => void again.dump(of(namespace), family, message));
      return kernel.dump(namespace, family, message);
    },
    writeSysctl(namespace, name, value) {
      requests.push((again, of) => again.writeSysctl(of(namespace), name, value));
      kernel.writeSysctl(namespace, name, value);
    },
    readSysctl(namespace, name) {
      requests.push((again, of) => void again.readSysctl(of(namespace), name));
      return kernel.readSysctl(namespace, name);
    },
  };
}

let sandboxPath: NamespaceRef = "host";

/** Header of a four-byte IFLA_NET_NS_FD attribute (28), little endian. */
const descriptorHeader = Buffer.from([8, 0, 28, 0]);

/** Whether a message names a namespace by descriptor. */
const descriptors = (messages: readonly NetlinkMessage[]): boolean =>
  messages.some(({ body }) => Buffer.from(body.buffer, body.byteOffset, body.length).includes(descriptorHeader));

/** Writes another descriptor where a message names a namespace by one. */
function patch(messages: readonly NetlinkMessage[], descriptor: number): void {
  for (const { body } of messages) {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
    const at = bytes.indexOf(descriptorHeader);
    if (at >= 0) bytes.writeUInt32LE(descriptor, at + descriptorHeader.length);
  }
}

const stateDir = mkdtempSync(join(tmpdir(), "portolan-bench-"));
try {
  const kernel = createKernel();
  const requests: Request[] = [];
  const engine = createEngine(recording(kernel, requests));
  await using controller = await createController({ stateDir, runDir: "/run/portolan", engine });
  const network = await controller.createNetwork({ name: "bench" });
  const ours: number[] = [];
  const replayed: number[] = [];
  for (let round = 0; round < rounds + warmUp; round++) {
    const sandbox = await controller.createSandbox({ name: "measured" });
    const other = await controller.createSandbox({ name: "replayed" });
    const [from, to] = [sandbox.info().namespace, other.info().namespace] as [NamespaceRef, NamespaceRef]; // its form is the record's
    sandboxPath = from;
    await controller.settle();
    requests.length = 0;
    const took = await timed(() => controller.connect(network, sandbox));
    const attach = requests.slice();
    await sandbox.delete();
    await controller.settle();
    const namespaceOf = (recorded: NamespaceRef): NamespaceRef => (recorded === from ? to : recorded);
    const again = await timed(() => {
      for (const request of attach) request(kernel, namespaceOf);
    });
    await other.delete();
    await controller.settle();
    if (round >= warmUp) {
      ours.push(took);
      replayed.push(again);
    }
  }
  const [library, tight] = [median(ours), median(replayed)];
  report([
    {
      what: "attach an endpoint to a running sandbox, p50 through the library",
      ours: library,
      unit: "ms",
      other: { name: "the same requests in a tight loop", value: tight },
      bar: "≤ 1.5 × the replay",
      met: library <= 1.5 * tight,
    },
  ]);
  await network.delete();
} finally {
  rmSync(stateDir, { recursive: true, force: true });
}
