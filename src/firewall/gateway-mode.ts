/**
 * Ways in which a network's gateway joins a family of it to the rest, by libnetwork's words: by translation, by translation with its own addresses
 * open as well, by its own addresses alone, or not at all.
 */
export const gatewayModes = ["nat", "nat-unprotected", "routed", "isolated"] as const;
export type GatewayMode = (typeof gatewayModes)[number];
