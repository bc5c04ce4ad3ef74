/** The protocol's versions, oldest first. */
export const knownVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** A version of the protocol. */
export type Version = (typeof knownVersions)[number];

/** Whether text names a version of the protocol. */
export const isVersion = (words: string): words is Version => (knownVersions as readonly string[]).includes(words);

/** Whether a version is another or came after it. */
export const atLeast = (version: Version, bound: Version): boolean =>
  knownVersions.indexOf(version) >= knownVersions.indexOf(bound);
