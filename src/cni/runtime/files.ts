/** Reads directories and files, with failures that name them. */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { PortolanError } from "../../errors.ts";

/** The system's name of a failure, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A failure of the system about a file. */
export function fileFailure(what: string, file: string, error: unknown): PortolanError {
  const code = systemCode(error);
  const known = code === "EACCES" || code === "EPERM" ? "forbidden" : code === "ENOENT" ? "not-found" : "store";
  return new PortolanError(known, `cannot ${what} ${file}`, {
    object: `file "${file}"`,
    reason: wordsOf(error),
    ...(known === "forbidden" && { advice: "run it as root" }),
    cause: error,
  });
}

/** Reads a text; throws `not-found`, `forbidden` or `store`. */
export function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw fileFailure("read", file, error);
  }
}

/** Paths of a directory's files with one of these endings (none given: all), in the order of their names' bytes; none where there is no such directory. */
export function filesIn(directory: string, endings: readonly string[] = []): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && (endings.length === 0 || endings.includes(extname(entry.name))))
      .map(({ name }) => ({ name, bytes: Buffer.from(name) }))
      .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
      .map(({ name }) => join(directory, name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw fileFailure("list", directory, error);
  }
}
