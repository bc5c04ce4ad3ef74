/** RT_SCOPE_* (linux/rtnetlink.h): how far an address or a route's destination reaches. */
const scopes = {
  /** RT_SCOPE_UNIVERSE: anywhere. */ universe: 0,
  /** RT_SCOPE_SITE */ site: 200,
  /** RT_SCOPE_LINK: on this link. */ link: 253,
  /** RT_SCOPE_HOST: on this machine. */ host: 254,
  /** RT_SCOPE_NOWHERE: nowhere; in a deletion, any. */ nowhere: 255,
} as const;

type ScopeName = keyof typeof scopes;
/** A scope by name; by number where an administrator defined one of their own. */
export type Scope = ScopeName | number;

const names = new Map<number, ScopeName>([
  [scopes.universe, "universe"],
  [scopes.site, "site"],
  [scopes.link, "link"],
  [scopes.host, "host"],
  [scopes.nowhere, "nowhere"],
]);

/** The number of a scope. */
export function scopeNumber(scope: Scope): number {
  return typeof scope === "number" ? scope : scopes[scope];
}

/** The scope of a number. */
export function scopeName(number: number): Scope {
  return names.get(number) ?? number;
}
