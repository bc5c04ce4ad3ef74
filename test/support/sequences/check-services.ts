/** What must hold of published ports, files and names after every command: no port is given twice, what is published is held, and files and names are those of who is there. */
import assert from "node:assert/strict";
import { addressOf } from "../../../src/address/cidr.ts";
import { type PublishedPort, portText } from "../../../src/address/port.ts";
import type { NetworkController, SandboxInfo } from "../../../src/model/types.ts";
import type { Engine } from "../../../src/state/engine.ts";
import { alias, namesTold, type SandboxName } from "./commands.ts";
import { exclude, type HostPorts } from "./ports.ts";
import type { Reference } from "./reference.ts";

/** The ports of the host alone. */
export const hostPortsOf = ({ protocol, address, host }: PublishedPort): HostPorts => ({
  protocol,
  ...(address !== undefined && { address }),
  ...host,
});

const text = ({ protocol, address = "*", first, last }: HostPorts): string => `${protocol} ${address} ${first}-${last}`;

/** Compares published ports with those that the engine holds. */
export async function checkHeld(
  controller: NetworkController,
  held: Awaited<ReturnType<Engine["heldPorts"]>>,
): Promise<void> {
  const all = (await controller.ports()).map((port) => ({ ...port, ports: hostPortsOf(port) }));
  for (const [at, one] of all.entries()) {
    const other = all.slice(at + 1).find(({ ports }) => exclude(one.ports, ports));
    assert.equal(other, undefined, `${portText(one)} is given twice`);
    assert.equal(one.held, one.sandbox !== undefined, `${portText(one)} is held while it is in a sandbox`);
  }
  const wanted = all.filter(({ sandbox }) => sandbox !== undefined).map(({ ports }) => text(ports));
  assert.deepEqual(held.map(text).toSorted(), wanted.toSorted(), "what is held is what is published");
}

/** Compares the names that sandboxes see with the reference. */
export function checkNames(controller: NetworkController, reference: Reference): void {
  for (const [sandbox, told] of reference.sandboxes) {
    const inSight = reference.inSight(sandbox);
    const names = controller.sandbox(sandbox).names();
    const led = (wanted: string): readonly string[] =>
      names.filter(({ name }) => name === wanted).map((one) => `${one.sandbox} in ${one.network}`);
    assert.deepEqual(
      led(alias).toSorted(),
      inSight
        .filter(({ aliased }) => aliased)
        .map(({ sandbox: place, network }) => `${place?.name} in ${network}`)
        .toSorted(),
      `who is called ${alias} in ${sandbox}`,
    );
    const linked = inSight.some((one) => one.sandbox?.name === "api" || one.name === "api");
    assert.equal(led("store").length > 0, told && linked, `whether ${sandbox} knows its link`);
    assert.equal(led("db").length > 0, told && inSight.length > 0, `whether ${sandbox} knows its extra host`);
  }
}

/** Compares the files of sandboxes with who is where: there are exactly those of the sandboxes that there are. */
export function checkFiles(
  controller: NetworkController,
  reference: Reference,
  files: ReadonlyMap<string, string>,
): void {
  const sandboxes = controller.sandboxes();
  const paths = sandboxes.flatMap(({ files: own }) => Object.values(own ?? assert.fail()));
  assert.deepEqual([...files.keys()].toSorted(), paths.toSorted(), "there are the files of each sandbox");
  for (const info of sandboxes) checkFilesOf(info, reference, files);
}

function checkFilesOf(
  { name, files, endpoints }: SandboxInfo,
  reference: Reference,
  contents: ReadonlyMap<string, string>,
): void {
  assert.ok(files);
  const read = (path: string): string => contents.get(path) ?? assert.fail();
  // Only names of the reference's own come here.
  const sandbox = name as SandboxName;
  const told = reference.sandboxes.get(sandbox);
  assert.equal(read(files.hostname), `${told ? namesTold.hostname : name}\n`);
  const addresses = read(files.hosts)
    .split("\n")
    .flatMap((line) => /^(?!127\.|::1|f[ef]0\d?::|#)\S+/.exec(line)?.[0] ?? []);
  const own = endpoints.flatMap(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((one) => (one === undefined ? [] : [addressOf(one)])),
  );
  assert.deepEqual(addresses.toSorted(), [...own, ...(told ? ["192.0.2.7"] : [])].toSorted(), `hosts of ${name}`);
  const named = reference.in(sandbox).some(({ network }) => reference.networks.get(network)?.predefined === false);
  if (named) assert.match(read(files.resolvConf), /^nameserver 127\.0\.0\.11$/m, `resolv.conf of ${name}`);
}
