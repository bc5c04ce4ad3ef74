import { change, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { integer, list, one, pairs, text } from "../../flag.ts";

export const command = defineCommand({
  summary: "Connect a sandbox to a network",
  arguments: {
    network: one("NETWORK", "Name, id, or the beginning of one", "network"),
    sandbox: one("SANDBOX", "Name, id, or the beginning of one", "sandbox"),
  },
  flags: {
    ipv4: text("--ip ADDRESS", "IPv4 address (default: the next free one)"),
    ipv6: text("--ip6 ADDRESS", "IPv6 address (default: the next free one)"),
    aliases: list("--alias NAME", "Another name of the sandbox in this network"),
    publish: list(
      "-p, --publish PORTS",
      "Ports of the host that lead to it: [ADDRESS:]HOST[-HOST]:PORT[-PORT][/PROTOCOL]",
    ),
    mac: text("--mac-address MAC", "MAC address (default: made of the IPv4 address)"),
    linkLocal: list("--link-local-ip ADDRESS", "Further address of the link alone, of 169.254.0.0/16 or fe80::/64"),
    routes: list(
      "--route ROUTE",
      "Static route of the sandbox, DESTINATION[=GATEWAY], such as 10.99.0.0/16=10.10.0.254; it goes with the endpoint",
    ),
    gatewayPriority: integer("--gw-priority NUMBER", "The highest gives the sandbox its default route (default 0)"),
    interfaceName: text("--interface NAME", "Name of the interface in the sandbox (default eth0, eth1, …)"),
    options: pairs("--driver-opt KEY=VALUE", "Option of the endpoint, by libnetwork's keys", { bareKeys: true }),
    labels: pairs("--label KEY=VALUE", "Label of the endpoint", { bareKeys: true }),
    name: text("--name NAME", "Name of the endpoint (default: made of its id)"),
    ...changeFlags,
  },
  examples: [
    { line: "portolan network connect front web", meaning: "with the next free address" },
    { line: "portolan network connect -p 8080:80 -p 5353:53/udp front web", meaning: "with published ports" },
    {
      line: "portolan network connect --route 10.99.0.0/16=10.10.0.254 front web",
      meaning: "with a way to another subnet by a gateway in the network",
    },
    {
      line: "portolan network connect --ip 10.10.0.80 --alias www --explain front web",
      meaning: "with a chosen address and a name, and the commands that do the same",
    },
  ],
  run: ({ network, sandbox, ...values }, context) => {
    const { ipv4, ipv6, mac, gatewayPriority, interfaceName, name } = values;
    const spec = {
      ...(ipv4 !== undefined && { ipv4 }),
      ...(ipv6 !== undefined && { ipv6 }),
      ...(mac !== undefined && { mac }),
      ...(gatewayPriority !== undefined && { gatewayPriority }),
      ...(interfaceName !== undefined && { interfaceName }),
      ...(name !== undefined && { name }),
      linkLocal: values.linkLocal,
      routes: values.routes,
      aliases: values.aliases,
      publish: values.publish,
      options: values.options,
      labels: values.labels,
    };
    return change(values, context, async (client, options) => ({
      json: await client.connect(network, sandbox, spec, options),
    }));
  },
});
