/**
 * The `attachment` driver: networks that a CNI runtime has. What an endpoint is there the plugins of the network's chain decide, call by call (describe.ts); the
 * network itself has the firewall's table, where any of them needs it, and nothing else. Nobody but a plugin's call makes one.
 */
import { PortolanError } from "../../errors.ts";
import { proxiedPorts } from "../../firewall/proxied.ts";
import { baseObjects } from "../../firewall/table.ts";
import type { AttachmentPart } from "../../store/attachment.ts";
import type { NetworkRecord } from "../../store/records.ts";
import type { Driver } from "../driver.ts";
import { refuseOptions } from "../options.ts";

/** What a network's record keeps. A type, not an interface, so that it is a Json value. */
type AttachmentConfig = {
  /** One of its attachments has, or had, something in the firewall, whose table is the network's to have. */
  readonly firewall?: true;
};

const needsFirewall = ({ config }: NetworkRecord): boolean => (config as AttachmentConfig).firewall === true; // made here alone

/** Whether a part has something in the firewall. */
const isInFirewall = ({ made }: AttachmentPart): boolean =>
  made.kind === "published" || made.kind === "filtered" || ("masquerade" in made && made.masquerade);

/** The network as it is with a part: the firewall's table comes with the first part that needs it, and goes with the network. */
export const withFirewall = (network: NetworkRecord, part: AttachmentPart): NetworkRecord =>
  network.driver !== attachment.name || needsFirewall(network) || !isInFirewall(part)
    ? network
    : { ...network, config: { firewall: true } satisfies AttachmentConfig };

export const attachment: Driver = {
  name: "attachment",
  scope: "local",
  singleton: false,
  addressed: false,
  networkOptions: [],
  endpointOptions: [],
  requires: () => [],
  configure({ name }) {
    throw new PortolanError("forbidden", "networks of this driver come with CNI's plugins", {
      object: `network "${name}"`,
      advice: "have a container runtime execute the plugins (`portolan cni install`), or choose another driver",
    });
  },
  publishing: () => undefined,
  proxied: (_network, endpoint) => proxiedPorts(endpoint),
  describeNetwork: (network) => (needsFirewall(network) ? baseObjects : []),
  readEndpoint(_network, endpoint) {
    refuseOptions("attachment", "endpoint", endpoint.options);
    return {};
  },
  duplicatesOn: () => undefined,
  chooseMac: () => undefined,
  interfacePrefix: () => "eth",
  describeJoin: () => ({ objects: [] }),
};
