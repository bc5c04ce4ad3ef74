/**
 * Forms of the API's requests and answers: what is checked, and what the OpenAPI document shows. Everything exported is a constant that JSON can hold: the build
 * evaluates this file and keeps the values, so that a running engine does not load the library that makes them.
 */
import { type TSchema, Type } from "typebox";
import { errorCodes } from "../errors.ts";

const text = (description: string, example?: string) =>
  Type.String({ description, ...(example !== undefined && { examples: [example] }) });
const texts = (description: string) => Type.Record(Type.String(), Type.String(), { description });
const words = (description: string) => Type.Array(Type.String(), { description });
const optional = Type.Optional;
const strict = { additionalProperties: false } as const;

/** Flags of a request, as text in its query. */
const flag = (description: string) => optional(Type.Enum(["true", "false"], { description }));

export const filtersQuery = Type.Object(
  {
    filters: optional(text("JSON object: each key with the values of which one must match", '{"label":["tier=1"]}')),
  },
  strict,
);

const changeFlags = {
  explain: flag("Answer `{ result, commands }`: with the ip, nft and sysctl commands that do the same"),
  dryRun: flag("Change nothing; the answer shows what would be"),
};
export const changeQuery = Type.Object(changeFlags, strict);
export const filteredChangeQuery = Type.Object({ ...changeFlags, ...filtersQuery.properties }, strict);

export const referenceParams = Type.Object({ reference: text("Id, name, or the beginning of an id") }, strict);

export const networkSpec = Type.Object(
  {
    name: text("Name", "front"),
    driver: optional(text("Network driver; default `bridge`")),
    internal: optional(Type.Boolean({ description: "No way out, no default route" })),
    attachable: optional(Type.Boolean()),
    enableIpv4: optional(Type.Boolean({ description: "Default true" })),
    enableIpv6: optional(Type.Boolean({ description: "Default false" })),
    ipam: optional(
      Type.Object(
        {
          driver: optional(text("IPAM driver; default `default`")),
          options: optional(texts("Options of the IPAM driver")),
          pools: optional(
            Type.Array(
              Type.Object(
                {
                  subnet: optional(text("CIDR", "10.20.30.0/24")),
                  ipRange: optional(text("Part of the subnet that addresses are chosen from, CIDR")),
                  gateway: optional(text("The gateway's address")),
                  auxAddresses: optional(texts("Addresses that are kept out, by name")),
                },
                strict,
              ),
            ),
          ),
        },
        strict,
      ),
    ),
    options: optional(texts("Options of the network driver")),
    labels: optional(texts("Labels")),
    configOnly: optional(Type.Boolean({ description: "Settings for other networks only" })),
    configFrom: optional(text("Name of the configuration-only network to take the settings from")),
  },
  { ...strict, $id: "NetworkSpec", title: "NetworkSpec" },
);

export const sandboxSpec = Type.Object(
  {
    name: text("Name", "web"),
    netns: optional(text("Path of an existing network namespace", "/run/netns/web")),
    pid: optional(Type.Integer({ description: "Process whose network namespace it is" })),
    host: optional(Type.Boolean({ description: "The host's own stack" })),
    hostname: optional(text("Host name; default its name")),
    domainname: optional(text("Domain name")),
    nameservers: optional(words("Asked for names that this engine does not know, in this order; default the host's")),
    searchDomains: optional(words("Domains in which short names are looked for; default the host's, `.` for none")),
    resolverOptions: optional(words("Options of resolv.conf")),
    extraHosts: optional(words("NAME:ADDRESS, with `host-gateway` for what it reaches the host by")),
    links: optional(words("NAME[:ALIAS]: names that it alone knows")),
    labels: optional(texts("Labels")),
  },
  { ...strict, $id: "SandboxSpec", title: "SandboxSpec" },
);

const endpointFields = {
  name: optional(text("Name; default the sandbox's, or the beginning of the id")),
  ipv4: optional(text("IPv4 address", "10.20.30.7")),
  ipv6: optional(text("IPv6 address", "fd00:1::7")),
  mac: optional(text("MAC address", "02:42:0a:14:1e:07")),
  linkLocal: optional(
    Type.Array(Type.String(), { description: "Further addresses, of 169.254.0.0/16 and fe80::/64 (the link's alone)" }),
  ),
  aliases: optional(Type.Array(Type.String(), { description: "Further names" })),
  publish: optional(
    Type.Array(Type.String(), {
      description: "Ports of the host that lead to it: [ADDRESS:]HOST[-HOST]:PORT[-PORT][/tcp|udp|sctp]",
    }),
  ),
  options: optional(texts("Options of the network driver")),
  labels: optional(texts("Labels")),
};
const joinFields = {
  interfaceName: optional(text("Interface's name inside", "eth0")),
  gatewayPriority: optional(Type.Integer({ description: "The highest gives the default route; default 0" })),
  routes: optional(
    Type.Array(Type.String(), { description: "Static routes of the sandbox that go with it: DESTINATION[=GATEWAY]" }),
  ),
};

/** With a sandbox the endpoint is joined to it in the same step. */
export const endpointSpec = Type.Object(
  { ...endpointFields, sandbox: optional(text("Sandbox to join: id, name, or the beginning of an id")), ...joinFields },
  { ...strict, $id: "EndpointSpec", title: "EndpointSpec" },
);

export const joinSpec = Type.Object(
  { sandbox: text("Sandbox to join: id, name, or the beginning of an id"), ...joinFields },
  { ...strict, $id: "JoinSpec", title: "JoinSpec" },
);

const named = (what: string) => Type.Object({ id: Type.String(), name: Type.String() }, { description: what });
const created = text("RFC 3339 with nanoseconds, UTC", "2026-01-02T03:04:05.000000006Z");

const portRange = (description: string) =>
  Type.Object({ first: Type.Integer(), last: Type.Integer() }, { description });

const publishedPort = {
  protocol: Type.Enum(["tcp", "udp", "sctp"]),
  address: optional(text("Address of the host; absent: all of them")),
  host: portRange("Ports of the host"),
  container: portRange("Ports of the sandbox, as many"),
};

export const endpointInfo: TSchema = Type.Object(
  {
    id: text("64 hexadecimal digits"),
    name: Type.String(),
    created,
    network: Type.Object({ id: Type.String(), name: Type.String(), driver: Type.String() }),
    sandbox: optional(named("Absent while it is in none")),
    interfaceName: optional(Type.String()),
    gatewayPriority: optional(Type.Integer()),
    mac: optional(Type.String()),
    ipv4: optional(text("Address with prefix length", "10.20.30.7/24")),
    ipv6: optional(text("Address with prefix length", "fd00:1::7/64")),
    linkLocal: Type.Array(Type.String(), { description: "Further addresses of the link alone, with prefix length" }),
    routes: Type.Array(
      Type.Object({ destination: text("CIDR", "10.99.0.0/16"), gateway: optional(text("Absent: by the link")) }),
      { description: "Static routes that go with it" },
    ),
    aliases: Type.Array(Type.String()),
    publish: Type.Array(Type.String(), { description: "As it was asked for" }),
    ports: Type.Array(Type.Object(publishedPort), { description: "Published while it is in a sandbox" }),
    opened: Type.Array(
      Type.Object({
        protocol: Type.Enum(["tcp", "udp", "sctp"]),
        family: Type.Union([Type.Literal(4), Type.Literal(6)]),
        container: portRange("Ports of the sandbox"),
      }),
      { description: "Open at its own addresses, in families that the network routes, while it is in a sandbox" },
    ),
    exposed: Type.Array(
      Type.Object({ protocol: Type.Enum(["tcp", "udp", "sctp"]), ports: portRange("Ports of the sandbox") }),
      { description: "Ports that it is said to listen on" },
    ),
    nameservers: Type.Array(Type.String(), { description: "Its own; none: those of the sandbox" }),
    sysctls: texts("Of its interface, for which IFNAME stands, by dotted name"),
    options: texts("As they were given"),
    labels: texts("Labels"),
  },
  { $id: "Endpoint", title: "Endpoint" },
);

const counters = (description: string) =>
  Type.Object(
    {
      bytes: Type.Integer(),
      packets: Type.Integer(),
      errors: Type.Integer(),
      dropped: Type.Integer(),
    },
    { description },
  );

export const portInfo: TSchema = Type.Object(
  {
    endpoint: named("Its endpoint"),
    network: named("Its network"),
    sandbox: optional(named("Where it leads; absent while the endpoint is in no sandbox")),
    ...publishedPort,
    held: Type.Boolean({ description: "Whether the daemon holds it, so that no process can bind it" }),
  },
  { $id: "Port", title: "Port" },
);
export const portList: TSchema = Type.Array(portInfo);

export const endpointStatistics: TSchema = Type.Object(
  {
    id: text("64 hexadecimal digits"),
    name: Type.String(),
    network: named("Its network"),
    sandbox: named("Its sandbox"),
    interfaceName: text("The interface whose counters they are", "eth0"),
    rx: counters("Received by the sandbox since the endpoint joined"),
    tx: counters("Sent by the sandbox since the endpoint joined"),
  },
  { $id: "EndpointStatistics", title: "EndpointStatistics" },
);
export const endpointStatisticsList: TSchema = Type.Array(endpointStatistics);

export const networkInfo: TSchema = Type.Object(
  {
    id: text("64 hexadecimal digits"),
    name: Type.String(),
    driver: Type.String(),
    created,
    scope: Type.Enum(["local", "global"]),
    internal: Type.Boolean(),
    attachable: Type.Boolean(),
    ingress: Type.Boolean(),
    configOnly: Type.Boolean(),
    configFrom: optional(Type.String()),
    enableIpv4: Type.Boolean(),
    enableIpv6: Type.Boolean(),
    ipam: Type.Object({
      driver: Type.String(),
      options: texts("As they were given"),
      pools: Type.Array(
        Type.Object({
          subnet: Type.String(),
          ipRange: optional(Type.String()),
          gateway: optional(Type.String()),
          auxAddresses: texts("By name"),
        }),
      ),
    }),
    options: texts("As they were given"),
    labels: texts("Labels"),
    endpoints: Type.Array(Type.Ref("Endpoint")),
  },
  { $id: "Network", title: "Network" },
);

export const sandboxInfo: TSchema = Type.Object(
  {
    id: text("64 hexadecimal digits"),
    name: Type.String(),
    created,
    namespace: text("Path of the namespace file, or `host`"),
    owned: Type.Boolean({ description: "The engine made the namespace, and removes it" }),
    hostname: optional(Type.String()),
    domainname: optional(Type.String()),
    nameservers: words("As asked for; none: the host's"),
    searchDomains: words("As asked for; none: the host's"),
    resolverOptions: words("As asked for; none: the host's"),
    extraHosts: words("NAME:ADDRESS"),
    links: words("NAME[:ALIAS]"),
    files: optional(
      Type.Object(
        { hosts: Type.String(), resolvConf: Type.String(), hostname: Type.String() },
        { description: "Paths of its files, to be bound over those of its processes" },
      ),
    ),
    labels: texts("Labels"),
    endpoints: Type.Array(Type.Ref("Endpoint")),
    gateway: Type.Object(
      { ipv4: optional(Type.String()), ipv6: optional(Type.String()) },
      { description: "Ids of the endpoints that give the default routes" },
    ),
  },
  { $id: "Sandbox", title: "Sandbox" },
);

export const errorBody = Type.Object(
  {
    code: Type.Enum(Object.keys(errorCodes), { description: "Stable; ask by this" }),
    message: text("What failed"),
    object: optional(text("On what")),
    reason: optional(text("Why, in the words of whoever refused")),
    advice: optional(text("What to do")),
    suppressed: optional(Type.Array(Type.String(), { description: "What failed while it was undone" })),
  },
  { $id: "Error", title: "Error" },
);

export const networkList: TSchema = Type.Array(networkInfo);
/** What a sandbox resolves by the engine's records. */
export const nameList: TSchema = Type.Array(
  Type.Object({
    name: Type.String(),
    addresses: Type.Array(Type.String()),
    network: optional(text("Absent for what the sandbox alone knows")),
    sandbox: optional(text("Name of the sandbox it leads to")),
  }),
);

/** What became of a sandbox's questions. */
export const queryReport: TSchema = Type.Object({
  counters: optional(
    Type.Object(
      Object.fromEntries(
        ["queries", "known", "forwarded", "failed", "malformed", "refused"].map((name) => [name, Type.Integer()]),
      ),
      { description: "Since its resolver began" },
    ),
  ),
  queries: Type.Array(
    Type.Object({
      time: text("Nanoseconds since 1970"),
      sandboxId: Type.String(),
      transport: Type.Enum(["udp", "tcp"]),
      name: Type.String(),
      type: Type.String(),
      code: text("What was answered", "NXDOMAIN"),
      from: text("`records`, the nameserver that answered, or `nobody`"),
      reason: optional(text("Why it did not resolve")),
    }),
    { description: "The last ones, oldest first" },
  ),
});

export const sandboxList: TSchema = Type.Array(sandboxInfo);
export const endpointList: TSchema = Type.Array(endpointInfo);

/** Who answers. */
export const engineInfo = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  stateDir: Type.String(),
  runDir: Type.String(),
  publishAddress: optional(
    text("Address of the host for published ports that name none; absent: all of them", "127.0.0.1"),
  ),
});

/** Every named form. */
export const namedSchemas: readonly TSchema[] = [
  networkSpec,
  sandboxSpec,
  endpointSpec,
  joinSpec,
  endpointInfo,
  portInfo,
  endpointStatistics,
  networkInfo,
  sandboxInfo,
  errorBody,
];
