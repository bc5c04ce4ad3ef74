/** What requests that change something share: taking back, dry runs, explanations, filters. */
import type { FastifyReply } from "fastify";
import { PortolanError } from "../errors.ts";
import type { ChangeOptions, Filters } from "../model/types.ts";
import { renderPlan } from "../state/render.ts";

export interface ChangeQuery {
  readonly explain?: string;
  readonly dryRun?: string;
}

/**
 * Runs a change for a request: taken back when the client goes away before the answer. With `explain` the answer is
 * `{ result, commands }`, else the result.
 */
export async function change<Result>(
  { explain, dryRun }: ChangeQuery,
  reply: FastifyReply,
  work: (options: ChangeOptions) => Promise<Result>,
): Promise<Result | { readonly result: Result | undefined; readonly commands: readonly string[] }> {
  const taken = new AbortController();
  const gone = (): void => {
    if (!reply.raw.writableFinished) taken.abort(new Error("the client went away"));
  };
  reply.raw.once("close", gone);
  const commands: string[] = [];
  try {
    const result = await work({
      signal: taken.signal,
      ...(dryRun === "true" && { dryRun: true }),
      ...(explain === "true" && { onPlan: (plan) => commands.push(...renderPlan(plan)) }),
    });
    return explain === "true" ? { result, commands } : result;
  } finally {
    reply.raw.off("close", gone);
  }
}

/** Filters in a query; throws `invalid-argument`. */
export function parseFilters(text: string | undefined): Filters {
  if (text === undefined || text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  const entries = Object.entries(value).map(([key, values]) => {
    if (!Array.isArray(values)) throw malformed();
    return [key, values.map(String)] as const;
  });
  return Object.fromEntries(entries);
}

const malformed = (): PortolanError =>
  new PortolanError("invalid-argument", "the filters cannot be read", {
    object: "query filters",
    advice: 'give a JSON object of arrays: {"label":["tier=1"]}',
  });
