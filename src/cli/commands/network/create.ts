import { bridgeOptions } from "../../bridge-options.ts";
import { change, changeFlags } from "../../change.ts";
import { cniOptions } from "../../cni-options.ts";
import { defineCommand } from "../../command.ts";
import { list, on, one, pairs, text } from "../../flag.ts";
import { networkSpec } from "../../network-spec.ts";

export const command = defineCommand({
  summary: "Create a network",
  details:
    "Subnets that are not given are chosen so that they overlap nothing of the host. `--gateway`, `--ip-range` and `--aux-address` belong to the subnet that they lie in.",
  arguments: { name: one("NETWORK", "Name of the new network") },
  flags: {
    driver: text("-d, --driver DRIVER", "Network driver (default bridge)", [
      "bridge",
      "cni",
      "host",
      "ipvlan",
      "macvlan",
      "none",
    ]),
    subnets: list("--subnet SUBNET", "Subnet in CIDR notation, one of each family"),
    gateways: list("--gateway ADDRESS", "Gateway in the subnet"),
    ipRanges: list("--ip-range SUBNET", "Part of the subnet that addresses are given out from"),
    auxAddresses: pairs("--aux-address NAME=ADDRESS", "Address that is not given out"),
    options: pairs("-o, --opt KEY=VALUE", "Driver option", {
      bareKeys: true,
      keys: [...Object.keys(bridgeOptions), ...Object.keys(cniOptions)],
    }),
    labels: pairs("--label KEY=VALUE", "Label", { bareKeys: true }),
    internal: on("--internal", "No way out of the network"),
    ipv6: on("--ipv6", "IPv6 addresses too"),
    noIpv4: on("--no-ipv4", "No IPv4 addresses"),
    attachable: on("--attachable", "Kept for docker's users: every network can be attached to"),
    configOnly: on("--config-only", "A configuration for other networks, not a network itself"),
    configFrom: text("--config-from NETWORK", "The network whose configuration is used", "network"),
    ipamDriver: text("--ipam-driver DRIVER", "IPAM driver (default default)", ["default", "null"]),
    ipamOptions: pairs("--ipam-opt KEY=VALUE", "IPAM driver option"),
    ...changeFlags,
  },
  words: [
    { title: "Options of bridge networks, by libnetwork's keys", meanings: bridgeOptions },
    { title: "Options of cni networks", meanings: cniOptions },
  ],
  examples: [
    { line: "portolan network create front", meaning: "a bridge network with a subnet that is free" },
    {
      line: "portolan network create --subnet 10.10.0.0/24 --gateway 10.10.0.1 --ipv6 front",
      meaning: "with a subnet, and IPv6 from a range of the host's own",
    },
    {
      line: "portolan network create -o com.docker.network.bridge.gateway_mode_ipv6=routed --ipv6 front",
      meaning: "IPv4 by translation, IPv6 by the containers' own addresses",
    },
    {
      line: "portolan network create -d cni -o conflist=/etc/cni/net.d/lan.conflist lan",
      meaning: "of the plugins that a CNI configuration list names",
    },
    { line: "portolan network create --dry-run back --internal", meaning: "see what would be done" },
  ],
  async run(values, context) {
    const spec = networkSpec(values);
    await change(values, context, async (client, options) => {
      const network = await client.createNetwork(spec, options);
      return { text: network.id, json: network };
    });
  },
});
