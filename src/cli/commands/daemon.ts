import { defineCommand } from "../command.ts";

export const command = defineCommand({
  summary: "Serve the API on a unix socket",
  details:
    "Ends with SIGINT or SIGTERM, after the requests that are under way. Networks, sandboxes and their connections stay as they are; the next daemon, or any command, takes them over.",
  arguments: {},
  flags: {},
  examples: [
    { line: "portolan daemon", meaning: "on /run/portolan/portolan.sock" },
    {
      line: "portolan daemon --publish-address 127.0.0.1",
      meaning: "published ports that name no address are reached from the host alone",
    },
    { line: "portolan daemon --run-dir /run/test --state-dir /tmp/test", meaning: "a second one, with its own files" },
  ],
  async run(_, { globals: { socket, stateDir, runDir, publishAddress }, signal }) {
    const { runDaemon } = await import("../../api/daemon.ts");
    await runDaemon({ socket, stateDir, runDir, signal, ...(publishAddress !== undefined && { publishAddress }) });
  },
});
