/** Options of cni networks as the help of `network create` tells them and completion offers them; a test holds them to the driver's. */

/** What each option is for, by its key. */
export const cniOptions = {
  conflist: "file of the network configuration list, or of a single plugin's configuration",
  "plugin-dir": "directories of plugins, A:B (default /opt/cni/bin, then /usr/lib/cni)",
  "cache-dir": "where results are remembered (default cni in the state directory)",
} as const;
