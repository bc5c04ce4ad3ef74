import { defineCommand } from "../../command.ts";
import { any, one, pairs, text } from "../../flag.ts";
import { UsageError } from "../../usage-error.ts";

export const command = defineCommand({
  summary: "Run a command in a sandbox's network",
  details:
    "The network is the sandbox's, and /etc/hosts and /etc/resolv.conf, so that names are resolved as it does; other files, processes and users are those of whoever runs this. The exit status is the command's own; 127 where there is no such command, 126 where it cannot be run.",
  arguments: {
    sandbox: one("SANDBOX", "Name, id, or the beginning of one", "sandbox"),
    line: any("COMMAND", "The command and its arguments; `--` may stand before it", "none"),
  },
  flags: {
    env: pairs("-e, --env KEY=VALUE", "Environment variable"),
    workdir: text("-w, --workdir DIR", "Directory that the command runs in", "file"),
  },
  examples: [
    { line: "portolan sandbox exec web -- ip address", meaning: "the sandbox's addresses" },
    { line: "portolan sandbox exec -e PORT=80 web -- sh -c 'nc -l $PORT'", meaning: "with a variable" },
  ],
  passThrough: true,
  async run({ sandbox, line, env, workdir }, context) {
    const words = line[0] === "--" ? line.slice(1) : line;
    if (words.length === 0) throw new UsageError("there is no command to run", "write it after the sandbox's name");
    const { runInside, surroundingsNamed } = await import("../../run-inside.ts");
    const surroundings = await surroundingsNamed(sandbox, context);
    return await runInside(surroundings, words, { env, ...(workdir !== undefined && { cwd: workdir }) });
  },
});
