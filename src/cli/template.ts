/** The part of docker's `--format` templates that listings need: `{{.Name}}`, `{{.IPAM.Driver}}`, `{{json .Labels}}`, `{{json .}}`. */
import { UsageError } from "./usage-error.ts";

/** Makes the text of a template and a value. Names are found whatever their case. Throws UsageError for anything else between braces. */
export function fillTemplate(template: string, value: unknown): string {
  return template
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n")
    .replace(/\{\{(.*?)\}\}/g, (whole, inside: string) => {
      const match = /^\s*(json\s+)?\.([\w.-]*)\s*$/.exec(inside);
      if (!match) throw notUnderstood(whole);
      const [, asJson, path = ""] = match;
      const found = path === "" ? value : path.split(".").reduce(member, value);
      return asJson || typeof found === "object" ? JSON.stringify(found) : String(found ?? "");
    });
}

function notUnderstood(part: string): UsageError {
  return new UsageError(
    `the template's "${part}" is not understood`,
    "write {{.NAME}} or {{json .NAME}} with a name that `--format json` shows",
  );
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}
