/** An engine with a network of the driver cni whose list is in a directory of the test's, and what is left of it on the host. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endpointMakers } from "../../../../src/cni/maker.ts";
import { createController } from "../../../../src/model/controller.ts";
import type { Network, NetworkController } from "../../../../src/model/types.ts";
import { type Configuration, RuntimeScene, referencePlugins } from "../../../support/cni/runtime-scene.ts";
import { run } from "../../../support/test-host.ts";
import { removeAll } from "../../model/support.ts";

export class CniScene extends RuntimeScene implements AsyncDisposable {
  readonly stateDir = join(this.path, "state");
  #controller: NetworkController | undefined;

  /** The engine; begun by {@link start}. */
  get controller(): NetworkController {
    if (this.#controller === undefined) throw new Error("start() comes first");
    return this.#controller;
  }

  async stop(): Promise<void> {
    await this.#controller?.close();
    this.#controller = undefined;
  }

  async start(): Promise<void> {
    await this.stop();
    const { stateDir } = this;
    mkdirSync(stateDir, { recursive: true });
    const makers = endpointMakers({ stateDir });
    this.#controller = await createController({ stateDir, runDir: "/run/portolan", makers });
  }

  /** Writes a list; its file. */
  list(name: string, plugins: readonly Configuration[], more: Configuration = {}): string {
    const file = join(this.configurations, `${name}.conflist`);
    writeFileSync(file, JSON.stringify({ cniVersion: "1.0.0", name, plugins, ...more }));
    return file;
  }

  /** Makes a network of a list. */
  async create(name: string, plugins: readonly Configuration[], more: Configuration = {}): Promise<Network> {
    const options = { conflist: this.list(name, plugins, more), "plugin-dir": `${this.scripts}:${referencePlugins}` };
    return this.controller.createNetwork({ name, driver: "cni", options });
  }

  /** Names of the results that the engine remembers. */
  results(): readonly string[] {
    try {
      return readdirSync(join(this.stateDir, "cni", "results"));
    } catch {
      return []; // none was made yet
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#controller !== undefined) {
      await removeAll(this.#controller);
      await this.#controller.close();
    }
    this[Symbol.dispose]();
  }
}

const version = `if [ "$CNI_COMMAND" = VERSION ]; then echo '{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}'; exit 0; fi`;

/** Body of a plugin that passes on what was made before it, and does `more` first: `$CNI_COMMAND` says when. */
export const passing = (more: string): string => `${version}
${more}
if [ "$CNI_COMMAND" = ADD ]; then
  printf %s "$CONFIGURATION" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin).get("prevResult", {"cniVersion": "1.0.0"})))'
fi`;

/** Body of a plugin that refuses a command as long as a file is there. */
export const refusing = (command: string, file: string): string =>
  passing(`if [ "$CNI_COMMAND" = ${command} ] && [ -e "${file}" ]; then
  echo '{"cniVersion":"1.0.0","code":123,"msg":"not today"}'
  exit 1
fi`);

/** Rules and chains of iptables' nat table that no plugin shares with others. */
export const natRules = (): readonly string[] =>
  run("iptables-save -t nat")
    .split("\n")
    .filter((line) => line.startsWith("-A") && !line.includes("HOSTPORT-"));
