/** The files of a sandbox: hosts, resolv.conf and hostname, to be bound over those of its processes. */
import { join } from "node:path";
import { addressOf } from "../address/cidr.ts";
import { familyOf, type IpAddress } from "../address/ip.ts";
import { hostsText, resolvText } from "../naming/files.ts";
import type { HostConfiguration } from "../naming/host-configuration.ts";
import type { File } from "../state/objects.ts";
import { sealed } from "../state/sealed-text.ts";
import type { EndpointRecord, SandboxRecord } from "../store/records.ts";
import { shortId } from "./short-id.ts";

/** Where they are. */
export interface SandboxFiles {
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
}

/** Paths of a sandbox's files; undefined for the host's own stack, which has the host's, and for a CNI runtime's containers. */
export function filesOf(runDir: string, { id, namespace, attached }: SandboxRecord): SandboxFiles | undefined {
  if (namespace === "host" || attached) return undefined;
  const folder = join(runDir, "sandboxes", shortId(id));
  return { hosts: join(folder, "hosts"), resolvConf: join(folder, "resolv.conf"), hostname: join(folder, "hostname") };
}

/** What `ip netns exec NAME` binds over /etc (ip-netns(8)), for a sandbox that is such a namespace. */
const etcOf = ({ namespace, owned }: SandboxRecord): string | undefined => {
  const name = owned ? undefined : /^(?:\/var)?\/run\/netns\/([^/]+)$/.exec(namespace)?.[1];
  return name === undefined ? undefined : join("/etc/netns", name);
};

/** What of a sandbox's surroundings its files depend on. */
export interface FileGrounds {
  readonly runDir: string;
  readonly host: HostConfiguration;
  readonly endpoints: readonly EndpointRecord[];
  /** Whether it has a resolver. */
  readonly resolver: boolean;
  /** Whether all its networks are internal. */
  readonly internal: boolean;
  /** What the sandbox reaches the host by. */
  readonly hostGateway: IpAddress | undefined;
}

/** The names of a sandbox in its own hosts file, the full one first. */
function ownNames({ name, hostname = name, naming }: SandboxRecord): readonly string[] {
  const full = naming?.domainname === undefined ? [] : [`${hostname}.${naming.domainname}`];
  return [...new Set([...full, hostname, name])];
}

/** Permission bits: everybody in the sandbox reads them. */
const mode = 0o644;

/** Describes the files of a sandbox. */
export function describeFiles(sandbox: SandboxRecord, grounds: FileGrounds): readonly File[] {
  const paths = filesOf(grounds.runDir, sandbox);
  if (paths === undefined) return [];
  const { naming } = sandbox;
  const addresses = grounds.endpoints.flatMap(({ ipv4, ipv6 }) =>
    [ipv4, ipv6].flatMap((one) => (one ? [addressOf(one)] : [])),
  );
  const hosts = hostsText({
    names: ownNames(sandbox),
    addresses,
    ipv6: addresses.length === 0 || addresses.some((address) => familyOf(address) === 6),
    extraHosts: (naming?.extraHosts ?? []).flatMap(({ name, address }) => {
      const known = address === "host-gateway" ? grounds.hostGateway : address;
      return known === undefined ? [] : [{ name, address: known }];
    }),
  });
  const resolv = sealed(
    resolvText(
      {
        resolver: grounds.resolver,
        alone: grounds.internal,
        nameservers: [
          ...grounds.endpoints.flatMap(({ nameservers = [] }) => nameservers),
          ...(naming?.nameservers ?? []),
        ],
        search: naming?.searchDomains ?? [],
        options: naming?.resolverOptions ?? [],
      },
      grounds.host,
    ),
  );
  const etc = etcOf(sandbox);
  return [
    { kind: "file", path: paths.hosts, content: hosts, mode, edits: "below" },
    { kind: "file", path: paths.resolvConf, content: resolv, mode, edits: "instead" },
    { kind: "file", path: paths.hostname, content: `${sandbox.hostname ?? sandbox.name}\n`, mode },
    ...(etc === undefined
      ? []
      : (
          [
            ["hosts", sealed(hosts)],
            ["resolv.conf", resolv],
          ] as const
        ).map(
          ([name, content]): File => ({
            kind: "file",
            path: join(etc, name),
            content,
            mode,
            edits: "instead",
            shared: true,
          }),
        )),
  ];
}
