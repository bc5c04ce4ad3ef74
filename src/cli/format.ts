/** Listings and inspections: as a table, as JSON, by a template, or ids alone. */
import { isPortolanError } from "../errors.ts";
import type { Context } from "./command.ts";
import { exitStatus, failureJson, failureText } from "./failure.ts";
import { type FlagValues, on, text } from "./flag.ts";
import { tableLines } from "./table.ts";
import { fillTemplate } from "./template.ts";

/** Flags of every listing, beside its filters. */
export const listingFlags = {
  format: text("--format FORMAT", "table, json (one object a line), or a template such as '{{.Name}}'", [
    "table",
    "json",
  ]),
  noTrunc: on("--no-trunc", "Show whole ids"),
  quiet: on("-q, --quiet", "Show ids alone"),
} as const;

/** A column of a table: its heading and the cell of a row. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => string];

/** JSON in one line; a bigint is written as the number it is. */
export function jsonText(value: unknown, indent?: number): string {
  // A bigint travels through JSON.stringify as a marked text, which is unpacked after.
  const mark = "\u0000bigint:";
  const replaced = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? mark + part : part), indent);
  return replaced.replace(/"\\u0000bigint:(-?\d+)"/g, "$1");
}

/** Prints a listing; its first column, given by its heading, is the ids. */
export function printListing<Row extends { readonly id: string }>(
  { output }: Pick<Context, "output">,
  { format, noTrunc, quiet }: FlagValues<typeof listingFlags>,
  rows: readonly Row[],
  [idHeading, ...columns]: readonly [idHeading: string, ...columns: Column<Row>[]],
): void {
  const shown = (id: string): string => (noTrunc ? id : id.slice(0, 12));
  if (quiet) {
    for (const { id } of rows) output.line(shown(id));
  } else if (format === "json") {
    for (const row of rows) output.line(jsonText(row));
  } else if (format !== undefined && format !== "table") {
    for (const row of rows) output.line(fillTemplate(format, row));
  } else {
    const headings = [idHeading, ...columns.map(([heading]) => heading)];
    const cells = rows.map((row) => [shown(row.id), ...columns.map(([, cell]) => cell(row))]);
    for (const line of tableLines(headings, cells)) output.line(line);
  }
}

/** Flags of every inspection. */
export const inspectionFlags = {
  format: text("-f, --format FORMAT", "json, or a template such as '{{.Name}}'", ["json"]),
} as const;

/** Prints what there is to know of each name as a JSON array; a name that leads nowhere is told and fails the command, as docker does. */
export async function printInspection(
  { output }: Pick<Context, "output">,
  { format }: FlagValues<typeof inspectionFlags>,
  names: readonly string[],
  find: (name: string) => Promise<unknown>,
): Promise<number> {
  const found: unknown[] = [];
  let status = 0;
  for (const name of names) {
    try {
      found.push(await find(name));
    } catch (error) {
      if (!isPortolanError(error, "not-found") && !isPortolanError(error, "ambiguous")) throw error;
      status = exitStatus.failed;
      output.note(format === "json" ? jsonText(failureJson(error)) : failureText(error));
    }
  }
  if (format === undefined) output.line(jsonText(found, 4));
  else if (format === "json") output.line(jsonText(found));
  else for (const value of found) output.line(fillTemplate(format, value));
  return status;
}
