import { PortolanError } from "../../../errors.ts";
import { change, changeFlags } from "../../change.ts";
import { defineCommand } from "../../command.ts";
import { one } from "../../flag.ts";

export const command = defineCommand({
  summary: "Disconnect a sandbox from a network",
  arguments: {
    network: one("NETWORK", "Name, id, or the beginning of one", "network"),
    sandbox: one("SANDBOX", "Name, id, or the beginning of one", "sandbox"),
  },
  flags: changeFlags,
  examples: [{ line: "portolan network disconnect front web", meaning: "its endpoint in the network goes" }],
  run: (values, context) =>
    change(values, context, async (client, options) => {
      const network = await client.network(values.network);
      const sandbox = await client.sandbox(values.sandbox);
      const endpoint = sandbox.endpoints.find((candidate) => candidate.network.id === network.id);
      if (endpoint === undefined) {
        const networks = sandbox.endpoints.map((candidate) => candidate.network.name);
        throw new PortolanError(
          "not-found",
          `sandbox "${sandbox.name}" is not connected to network "${network.name}"`,
          {
            object: `sandbox "${sandbox.name}"`,
            advice: networks.length === 0 ? "it is in no network" : `it is connected to ${networks.join(", ")}`,
          },
        );
      }
      await client.disconnect(endpoint.id, options);
      return { json: { disconnected: endpoint.id } };
    }),
});
