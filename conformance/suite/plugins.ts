/** A directory of plugins under test: which types it holds, and which versions each says it can. */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { list, parse } from "./json.ts";
import { Host, type Service } from "./lab/host.ts";
import { isVersion, knownVersions, type Version } from "./versions.ts";

/** The directory as it presents itself. */
export interface PluginDirectory {
  readonly path: string;
  /** What stands in its column of a report. */
  readonly label: string;
  readonly service: Service | undefined;
  /** Versions that each type says it can, oldest first. */
  readonly versions: ReadonlyMap<string, readonly Version[]>;
}

/** Reads a directory and asks every plugin in it for its versions. `types` limits what is looked at. Errors: a directory that cannot be read. */
export async function openPlugins(
  path: string,
  label: string,
  types: readonly string[] | undefined,
  service: Service | undefined,
): Promise<PluginDirectory> {
  const directory = resolve(path);
  if (/^\/(run|var\/lib)(\/|$)/.test(directory))
    throw new Error(
      `${directory} is hidden from the suite's hosts, whose /run and /var/lib are empty: copy the plugins elsewhere`,
    );
  const found = readdirSync(directory)
    .filter((name) => types === undefined || types.includes(name))
    .filter((name) => statSync(join(directory, name)).isFile())
    .toSorted();
  const host = await Host.open(service);
  try {
    const answers = await Promise.all(found.map((type) => versionsOf(host, directory, type)));
    return {
      path: directory,
      label,
      service,
      versions: new Map(found.map((type, index) => [type, answers[index] ?? []])),
    };
  } finally {
    await host.close();
  }
}

/** A plugin that gives no readable answer is taken to know every version: what it does then is for the checks to say. */
async function versionsOf(host: Host, directory: string, type: string): Promise<readonly Version[]> {
  const { stdout } = await host.execute([join(directory, type)], {
    environment: { CNI_COMMAND: "VERSION", CNI_PATH: directory, PATH: process.env["PATH"] ?? "" },
    input: '{"cniVersion":"1.0.0"}',
  });
  const claimed = list(parse(stdout), "supportedVersions").filter((item) => typeof item === "string");
  const known = knownVersions.filter((version) => claimed.filter(isVersion).includes(version));
  return known.length === 0 ? knownVersions : known;
}

/** The newest version that all of some types can; undefined where there is none. */
export function newestCommon(plugins: PluginDirectory, types: readonly string[]): Version | undefined {
  return knownVersions.findLast((version) =>
    types.every((type) => plugins.versions.get(type)?.includes(version) === true),
  );
}
