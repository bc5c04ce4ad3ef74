/** A reporter of node:test that prints what became of each test as a line of JSON. */
import type { TestEvent } from "node:test/reporters";

/** What became of one test. */
export interface Outcome {
  readonly name: string;
  readonly passed: boolean;
  readonly skipped?: string;
  readonly failure?: string;
}

/** What marks the lines among what tests print themselves. */
export const mark = "outcome ";

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { name, details, skip } = event.data;
    // A file is a test, too, of which nothing is told but that it failed as a whole.
    if (details.type === "suite" || (event.type === "test:pass" && name.endsWith(".ts"))) continue;
    const cause = event.type === "test:fail" ? event.data.details.error.cause : undefined;
    const outcome: Outcome = {
      name,
      passed: event.type === "test:pass",
      ...(skip !== undefined && { skipped: String(skip) }),
      ...(event.type === "test:fail" && { failure: cause instanceof Error ? (cause.stack ?? "") : String(cause) }),
    };
    yield `${mark}${JSON.stringify(outcome)}\n`;
  }
}
