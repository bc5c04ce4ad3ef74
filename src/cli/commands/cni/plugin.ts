import { readFileSync } from "node:fs";
import { defineCommand } from "../../command.ts";
import { one } from "../../flag.ts";

export const command = defineCommand({
  summary: "Carry out a call of a CNI plugin, as a container runtime executes one",
  details:
    "The call is what a runtime says: variables CNI_COMMAND, CNI_CONTAINERID and so on in the environment, and the configuration on standard input. The daemon carries it out where one runs, else this process. The executables that `portolan cni install` writes do the same, faster.",
  arguments: { type: one("TYPE", "The plugin's type, such as bridge", "none") },
  flags: {},
  examples: [
    {
      line: "portolan cni plugin bridge",
      meaning: "what a runtime executes with CNI_COMMAND=ADD in its environment and a configuration on standard input",
    },
  ],
  async run({ type }, { globals, output }) {
    const environment = Object.fromEntries(
      Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    const { introduction } = await import("../../../cni/plugin/introduction.ts");
    if ((environment["CNI_COMMAND"] ?? "") === "") {
      const { version } = await import("../../../api/version.ts");
      output.note(introduction(type, version()).trimEnd());
      return 0;
    }
    const { execute } = await import("../../../api/cni.ts");
    const answered = await execute({ type, environment, input: readFileSync(0, "utf8") }, globals);
    process.stdout.write(answered.output);
    return answered.status;
  },
});
