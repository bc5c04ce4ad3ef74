import { change, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { integer, list, on, one, pairs, text } from "../../flag.ts";

export const command = defineCommand({
  summary: "Create a sandbox",
  details:
    "A sandbox has a network namespace of its own, or is an existing one: of a path, of a process, or the host's.",
  arguments: { name: one("SANDBOX", "Name of the new sandbox") },
  flags: {
    netns: text("--netns PATH", "Use the network namespace at a path", "file"),
    pid: integer("--pid PID", "Use the network namespace of a process"),
    host: on("--host", "Use the host's own stack"),
    hostname: text("--hostname NAME", "Hostname inside (default its name)"),
    domainname: text("--domainname NAME", "Domain name inside"),
    nameservers: list("--dns ADDRESS", "Nameserver for names that are not found here (default the host's)"),
    searchDomains: list(
      "--dns-search DOMAIN",
      "Domain in which short names are looked for (default the host's; `.` for none)",
    ),
    resolverOptions: list("--dns-option OPTION", "Option of resolv.conf, such as ndots:1"),
    extraHosts: list("--add-host NAME:ADDRESS", "A name with an address; `host-gateway` is the host's"),
    links: list("--link NAME[:ALIAS]", "A name that this sandbox alone knows another one by"),
    labels: pairs("--label KEY=VALUE", "Label", { bareKeys: true }),
    ...changeFlags,
  },
  examples: [
    { line: "portolan sandbox create web", meaning: "with a namespace of its own" },
    {
      line: "portolan sandbox create --dns 192.0.2.53 --add-host db:10.1.0.7 api",
      meaning: "with a nameserver and a name of its own",
    },
    { line: "portolan sandbox create --pid 4711 app", meaning: "the namespace of a running process" },
  ],
  run: ({ name, netns, pid, host, hostname, domainname, labels, ...values }, context) => {
    const spec = {
      name,
      ...(netns !== undefined && { netns }),
      ...(pid !== undefined && { pid }),
      ...(host && { host }),
      ...(hostname !== undefined && { hostname }),
      ...(domainname !== undefined && { domainname }),
      nameservers: values.nameservers,
      searchDomains: values.searchDomains,
      resolverOptions: values.resolverOptions,
      extraHosts: values.extraHosts,
      links: values.links,
      labels,
    };
    return change(values, context, async (client, options) => {
      const sandbox = await client.createSandbox(spec, options);
      return { text: sandbox.id, json: sandbox };
    });
  },
});
