/** Asks a plugin which versions it speaks (SPEC.md, "VERSION"). */
import { PortolanError } from "../../errors.ts";
import { newest } from "../protocol/version.ts";
import { type Execution, execute } from "./execute.ts";
import { readFailure } from "./failure.ts";

/** Versions that a plugin speaks, in its own words, oldest first as a rule. Plugins older than VERSION speak 0.1.0. Throws `plugin`. */
export async function supportedVersions(
  path: string,
  { environment, ...limits }: Pick<Execution, "environment" | "timeout" | "signal">,
): Promise<readonly string[]> {
  const outcome = await execute({
    path,
    // Plugins made with an older library miss what VERSION does not need.
    environment: { ...environment, CNI_COMMAND: "VERSION", CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy" },
    input: JSON.stringify({ cniVersion: newest }),
    ...limits,
  });
  if (outcome.status !== 0) {
    const words = readFailure(outcome.stdout, outcome.stderr, outcome);
    if (words.message === "unknown CNI_COMMAND: VERSION") return ["0.1.0"];
    throw refused(path, words.message);
  }
  return readVersions(outcome.stdout, path);
}

function readVersions(text: string, path: string): readonly string[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw refused(path, `it printed no JSON: ${text.trim().slice(0, 400)}`);
  }
  const fields: Readonly<Record<string, unknown>> = typeof answer === "object" && answer !== null ? { ...answer } : {};
  const { cniVersion, supportedVersions: listed } = fields;
  if (Array.isArray(listed) && listed.length > 0) return listed.map(String);
  // 0.2.0 had the command, and not yet the list.
  if (cniVersion === "0.2.0") return ["0.1.0", "0.2.0"];
  throw refused(path, "its answer has no supportedVersions");
}

const refused = (path: string, reason: string): PortolanError =>
  new PortolanError("plugin", `${path} does not say which versions of CNI it speaks`, {
    object: `plugin "${path}"`,
    reason,
  });
