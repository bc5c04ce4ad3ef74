/** Whether one place of a check's network reaches another. */
import { expect } from "./expectation.ts";
import type { Json } from "./json.ts";
import type { Place } from "./lab/place.ts";
import { addressesOf, bare } from "./result.ts";

/** The first address of a family in a result, without its prefix length. */
export const addressIn = (result: Json, family: 4 | 6 = 4): string =>
  bare(addressesOf(result).find((found) => found.family === family)?.address ?? "");

/** Makes `to` listen and `from` dial it; returns the address that `to` sees. Errors: `Disagreement` when somebody else answers, or nobody. */
export async function reaches(
  from: Place,
  to: Place,
  address: string,
  port = 8000,
  protocol: "tcp" | "udp" = "tcp",
): Promise<string> {
  await to.listen(protocol, port);
  const answer = await from.dial(protocol, address, port, { timeout: 3000 });
  expect(answer?.name === to.name, `${from.name} did not reach ${to.name} at ${address}:${port}`);
  return answer.from;
}
