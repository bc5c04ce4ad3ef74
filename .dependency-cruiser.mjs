/** The arrows of docs/architecture.md: imports point downwards only. */
const rooms = [
  "kernel",
  "loop",
  "state",
  "firewall",
  "drivers",
  "ipam",
  "naming",
  "proxy",
  "services",
  "store",
  "model",
  "api",
  "cni",
  "plugin",
  "insight",
  "lab",
  "cli",
];

/** What each room may import beside itself and the values every room shares (errors, json, address). */
const arrows = {
  kernel: [],
  loop: ["kernel"],
  state: ["kernel"],
  firewall: ["state"],
  store: ["state"],
  ipam: [],
  naming: ["state", "loop", "kernel"],
  proxy: ["loop", "kernel"],
  services: ["naming", "proxy", "loop", "kernel"],
  drivers: ["state", "firewall", "store"],
  model: ["drivers", "ipam", "naming", "proxy", "firewall", "store", "state", "loop", "kernel"],
  lab: ["api", "model", "state", "kernel"],
  cni: ["model", "drivers", "ipam", "store", "state", "kernel"],
  plugin: ["model", "state"],
  insight: ["model", "state", "kernel"],
  api: ["cni", "model", "state", "kernel", "insight"],
  cli: ["api", "lab", "cni", "plugin", "insight", "model", "state", "kernel"],
};

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    { name: "no-dev-dependencies", severity: "error", from: { path: "^src" }, to: { dependencyTypes: ["npm-dev"] } },
    ...rooms.map((room) => ({
      name: `arrows-of-${room}`,
      severity: "error",
      from: { path: `^src/${room}/` },
      to: { path: "^src/[^/]+/", pathNot: `^src/(${["address", room, ...(arrows[room] ?? [])].join("|")})/` },
    })),
    {
      name: "shared-values-stand-alone",
      severity: "error",
      from: { path: "^src/(address/|errors\\.ts|json\\.ts)" },
      to: { path: "^src/", pathNot: "^src/(address/|errors\\.ts|json\\.ts)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
