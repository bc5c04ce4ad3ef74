/** The views of all sandboxes: those that see the same names share one, and with it their answers. */
import type { View } from "./lookup.ts";
import type { PackedAddress } from "./records.ts";
import type { SandboxNames } from "./requests.ts";
import { keptName } from "./wire/name.ts";

interface Shared {
  readonly view: View;
  readonly key: string;
  users: number;
}

/** 2³² divided by the golden ratio: multiples of it are spread over all integers. */
const spread = 0x9e3779b9;

export class Views {
  readonly #byKey = new Map<string, Shared>();
  readonly #byView = new Map<View, Shared>();
  #made = 0;

  /** The view of a sandbox, which {@link giveBack} gives back. */
  take({ networks, links, extraHosts }: SandboxNames): View {
    const key = JSON.stringify([networks, links, extraHosts]);
    let shared = this.#byKey.get(key);
    if (shared === undefined) {
      const view = {
        salt: Math.imul(++this.#made, spread),
        networks,
        links: linkMap(links),
        extraHosts: hostMap(extraHosts),
      };
      shared = { view, key, users: 0 };
      this.#byKey.set(key, shared);
      this.#byView.set(view, shared);
    }
    shared.users++;
    return shared.view;
  }

  /** Forgets a view that nobody has any more. */
  giveBack(view: View): void {
    const shared = this.#byView.get(view);
    if (shared === undefined || --shared.users > 0) return;
    this.#byKey.delete(shared.key);
    this.#byView.delete(view);
  }
}

const linkMap = (links: SandboxNames["links"]): ReadonlyMap<string, string> =>
  new Map(Object.entries(links).map(([name, target]) => [keptName(name), keptName(target)]));

const hostMap = (hosts: SandboxNames["extraHosts"]): ReadonlyMap<string, readonly PackedAddress[]> =>
  new Map(Object.entries(hosts).map(([name, addresses]) => [keptName(name), addresses]));
