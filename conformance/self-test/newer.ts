/**
 * The reference plugins of 1.0.0 brought to 1.1.0 as far as the suite's own tests need them: versions rewritten both ways, GC and STATUS by records of what ADD did. No plugin to
 * use: it has the reference's faults and loses what 1.1.0 added to results.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, isObject, type JsonObject, list, parse, text } from "../suite/json.ts";
import type { MutantAnswer, MutantCall } from "./mutation.ts";

const failed = (code: number, msg: string): MutantAnswer => ({ status: 1, stdout: JSON.stringify({ code, msg }) });
const done: MutantAnswer = { status: 0, stdout: "" };

/** Answers a call by the plugin of the same type in a directory. */
export function newer(call: MutantCall, directory: string): MutantAnswer {
  const config = parse(call.stdin);
  const is = call.command === "VERSION" || !isObject(config) ? undefined : config["cniVersion"];
  if (call.command === "VERSION") return versions(real(call, directory));
  if (call.command === "GC" || call.command === "STATUS") {
    if (is !== "1.1.0" || !isObject(config)) return failed(1, `config version does not allow ${call.command}`);
    return call.command === "GC" ? collect(call, config, directory) : status(call, config);
  }
  if (is !== "1.1.0" || !isObject(config)) return real(call, directory);
  const previous = config["prevResult"];
  const older = {
    ...config,
    cniVersion: "1.0.0",
    ...(isObject(previous) ? { prevResult: { ...previous, cniVersion: "1.0.0" } } : {}),
  };
  const answer = real({ ...call, stdin: JSON.stringify(older) }, directory);
  const result = parse(answer.stdout);
  record(call, answer.status === 0);
  if (call.command !== "ADD" || answer.status !== 0 || !isObject(result)) return answer;
  return { ...answer, stdout: JSON.stringify({ ...result, cniVersion: "1.1.0" }) };
}

/** Runs the plugin itself. */
export function real(call: MutantCall, directory: string): MutantAnswer {
  const {
    status: ended,
    stdout,
    stderr,
  } = spawnSync(join(directory, call.type), {
    env: call.environment,
    input: call.stdin,
    encoding: "utf8",
  });
  return { status: ended ?? 1, stdout, stderr };
}

function versions(answer: MutantAnswer): MutantAnswer {
  const known = parse(answer.stdout);
  const supportedVersions = [...list(known, "supportedVersions"), "1.1.0"];
  return { ...answer, stdout: JSON.stringify({ cniVersion: "1.1.0", supportedVersions }) };
}

const folder = (call: MutantCall): string =>
  join("/run/newer", call.type, encodeURIComponent(text(parse(call.stdin), "name") ?? ""));

const key = ({ environment }: MutantCall): string => `${environment["CNI_CONTAINERID"]} ${environment["CNI_IFNAME"]}`;

function record(call: MutantCall, succeeded: boolean): void {
  if (!succeeded) return;
  mkdirSync(folder(call), { recursive: true });
  const file = join(folder(call), key(call));
  if (call.command === "ADD") writeFileSync(file, JSON.stringify({ environment: call.environment, stdin: call.stdin }));
  if (call.command === "DEL") rmSync(file, { force: true });
}

/** DEL of every recorded attachment that is not listed, and GC of the IPAM plugin. */
function collect(call: MutantCall, config: JsonObject, directory: string): MutantAnswer {
  const listed = [...list(config, "cni.dev/valid-attachments"), ...list(config, "cni.dev/attachments")];
  const valid = listed.map((item) => `${text(item, "containerID")} ${text(item, "ifname")}`);
  const recorded = existsSync(folder(call)) ? readdirSync(folder(call)) : [];
  for (const name of recorded.filter((found) => !valid.includes(found))) {
    const { environment, stdin } = JSON.parse(readFileSync(join(folder(call), name), "utf8")) as MutantCall;
    newer({ type: call.type, command: "DEL", environment: { ...environment, CNI_COMMAND: "DEL" }, stdin }, directory);
  }
  return delegated(call, config);
}

const status = (call: MutantCall, config: JsonObject): MutantAnswer => delegated(call, config);

/** The same command for the IPAM plugin of the configuration, unless this is it. */
function delegated(call: MutantCall, config: JsonObject): MutantAnswer {
  const type = text(config, "ipam", "type");
  if (type === undefined || type === call.type) return done;
  const path = (call.environment["CNI_PATH"] ?? "").split(":").find((directory) => existsSync(join(directory, type)));
  if (path === undefined) return failed(50, `failed to find plugin "${type}"`);
  const answer = real({ ...call, type }, path);
  return answer.status === 0 ? done : failed(Number(at(parse(answer.stdout), "code") ?? 999), "the IPAM plugin failed");
}
