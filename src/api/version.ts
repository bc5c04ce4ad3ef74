/** Which Portolan this is. */
import { readFileSync } from "node:fs";

/** The version in package.json. */
export function version(): string {
  const root = new URL("../../package.json", import.meta.url);
  return String(JSON.parse(readFileSync(root, "utf8")).version);
}
