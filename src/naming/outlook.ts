/** What decides a sandbox's answers, in the form in which it is looked up; sandboxes that are set alike share it. */
import type { IpAddress } from "../address/ip.ts";
import { encodeSocketAddress } from "../kernel/inet/address.ts";
import type { View } from "./lookup.ts";
import type { PackedAddress } from "./records.ts";
import type { SandboxNames } from "./requests.ts";
import { Shared } from "./shared.ts";
import { keptName } from "./wire/name.ts";

/** A nameserver to be asked. */
export interface Server {
  readonly address: IpAddress;
  readonly socketAddress: Uint8Array;
  readonly from: "host" | "sandbox";
}

/** A sandbox's own address for names, packed: asked by the sandbox itself, it would have every query come back. */
const ownAddress: PackedAddress = "\x7f\x00\x00\x0b";

/** 2³² divided by the golden ratio: multiples of it are spread over all integers. */
const spread = 0x9e3779b9;

/** The names that a sandbox sees, and its nameservers. */
export interface Outlook {
  readonly view: View;
  readonly servers: readonly Server[];
}

export class Outlooks {
  readonly #views = new Shared<View>();
  readonly #servers = new Shared<readonly Server[]>();
  #made = 0;

  /** The outlook of a sandbox, which {@link giveBack} gives back. */
  take(settings: SandboxNames): Outlook {
    const { networks, links, extraHosts, nameservers } = settings;
    return {
      view: this.#views.take(JSON.stringify([networks, links, extraHosts]), () => ({
        salt: Math.imul(++this.#made, spread),
        networks,
        links: new Map(Object.entries(links).map(([name, target]) => [keptName(name), keptName(target)])),
        extraHosts: new Map(Object.entries(extraHosts).map(([name, addresses]) => [keptName(name), addresses])),
      })),
      servers: this.#servers.take(JSON.stringify(nameservers), () => serversOf(nameservers)),
    };
  }

  giveBack({ view, servers }: Outlook): void {
    this.#views.giveBack(view);
    this.#servers.giveBack(servers);
  }
}

function serversOf(nameservers: SandboxNames["nameservers"]): readonly Server[] {
  return nameservers
    .filter(({ packed, from }) => packed !== ownAddress || from === "host")
    .map(({ address, packed, port, from }) => ({
      address,
      socketAddress: encodeSocketAddress(Buffer.from(packed, "latin1"), port),
      from,
    }));
}
