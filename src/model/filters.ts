/** Filters of listings, as docker's `--filter`: every key must match one of its values. */
import { PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { predefinedNames } from "./predefined.ts";
import type { EndpointInfo, Filters, NetworkInfo, SandboxInfo } from "./types.ts";

type Matchers<Info> = Readonly<Record<string, (info: Info, value: string) => boolean>>;

/** `key` or `key=value`. */
function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals === -1) return Object.hasOwn(labels, wanted);
  const key = wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1);
}

const oneOf = (key: string, value: string, allowed: readonly string[]): void => {
  if (allowed.includes(value)) return;
  throw new PortolanError("invalid-argument", `Invalid filter '${key}=${value}'`, {
    advice: `it takes ${allowed.join(", ")}`,
  });
};

export const networkFilters: Matchers<NetworkInfo> = {
  driver: (info, value) => info.driver === value,
  id: (info, value) => info.id.startsWith(value),
  name: (info, value) => info.name.includes(value),
  label: (info, value) => hasLabel(info.labels, value),
  scope: (info, value) => info.scope === value,
  type: (info, value) => {
    oneOf("type", value, ["custom", "builtin"]);
    return predefinedNames.has(info.name) === (value === "builtin");
  },
  dangling: (info, value) => {
    oneOf("dangling", value, ["true", "false", "1", "0"]);
    const dangling = info.endpoints.length === 0 && !predefinedNames.has(info.name);
    return dangling === (value === "true" || value === "1");
  },
};

export const sandboxFilters: Matchers<SandboxInfo> = {
  id: (info, value) => info.id.startsWith(value),
  name: (info, value) => info.name.includes(value),
  label: (info, value) => hasLabel(info.labels, value),
  network: (info, value) => info.endpoints.some(({ network }) => network.name === value || network.id === value),
};

export const endpointFilters: Matchers<EndpointInfo> = {
  id: (info, value) => info.id.startsWith(value),
  name: (info, value) => info.name.includes(value),
  label: (info, value) => hasLabel(info.labels, value),
  network: ({ network }, value) => network.name === value || network.id === value,
  sandbox: ({ sandbox }, value) => sandbox !== undefined && (sandbox.name === value || sandbox.id === value),
};

/** The infos that match; throws `invalid-argument` for a filter that there is not. */
export function filtered<Info>(infos: readonly Info[], filters: Filters, matchers: Matchers<Info>): readonly Info[] {
  for (const key of Object.keys(filters)) {
    if (Object.hasOwn(matchers, key)) continue;
    throw new PortolanError("invalid-argument", `Invalid filter '${key}'`, {
      advice: `did you mean "${nearest(key, Object.keys(matchers))}"? There are ${Object.keys(matchers).join(", ")}`,
    });
  }
  return infos.filter((info) =>
    Object.entries(filters).every(([key, values]) => values.some((value) => matchers[key]?.(info, value) ?? false)),
  );
}
