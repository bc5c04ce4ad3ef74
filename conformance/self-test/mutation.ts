/** What a plugin with a fault does otherwise than the one it stands before, and which checks have to notice. */
import { spawnSync } from "node:child_process";
import { isObject, type Json, type JsonObject, list, parse } from "../suite/json.ts";

/** A call as it comes from the runtime. */
export interface MutantCall {
  readonly type: string;
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/** What the plugin answered. */
export interface MutantAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr?: string;
}

/** One fault. */
export interface Mutation {
  /** What is wrong, as a sentence about the plugin. */
  readonly fault: string;
  /** Changes what the plugin is given. */
  readonly given?: (call: MutantCall) => MutantCall;
  /** Answers instead of the plugin. */
  readonly instead?: (call: MutantCall) => MutantAnswer | undefined;
  /** Changes what the plugin answered. */
  readonly answered?: (answer: MutantAnswer, call: MutantCall) => MutantAnswer;
  /** Lines of shell run on the host after the plugin. */
  readonly afterwards?: (call: MutantCall) => string | undefined;
  /** The version that the plugins are brought to before they get the fault. */
  readonly version?: "1.1.0";
  /** Texts: every check with one of them in its title has to fail. */
  readonly noticed: readonly string[];
}

/** Leaves keys of the configuration out. */
export const withoutKeys =
  (...keys: readonly string[]) =>
  (call: MutantCall): MutantCall => {
    const config = parse(call.stdin);
    if (!isObject(config)) return call;
    const left = Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
    return { ...call, stdin: JSON.stringify(left) };
  };

/** Changes the result of an ADD that succeeded. */
export const resultOf =
  (change: (result: JsonObject, call: MutantCall) => Json) =>
  (answer: MutantAnswer, call: MutantCall): MutantAnswer => {
    const result = parse(answer.stdout);
    if (call.command !== "ADD" || answer.status !== 0 || !isObject(result)) return answer;
    return { ...answer, stdout: JSON.stringify(change(result, call)) };
  };

/** Success without a word. */
export const quiet: MutantAnswer = { status: 0, stdout: "" };
/** A refusal. */
export const sorry: MutantAnswer = { status: 1, stdout: '{"code": 100, "msg": "no"}' };

/** Leaves a key of the port mappings out. */
export const mappingsWithout =
  (key: string) =>
  (call: MutantCall): MutantCall => {
    const config = parse(call.stdin);
    if (!isObject(config) || call.type !== "portmap") return call;
    const mappings = list(config, "runtimeConfig", "portMappings").map((mapping) =>
      isObject(mapping) ? Object.fromEntries(Object.entries(mapping).filter(([name]) => name !== key)) : mapping,
    );
    return { ...call, stdin: JSON.stringify({ ...config, runtimeConfig: { portMappings: mappings } }) };
  };

/** Whether lines of shell end well on the host. */
export const holds = (lines: string): boolean => spawnSync("/bin/sh", ["-c", lines], { stdio: "ignore" }).status === 0;

/** The network configuration's object; empty where it is none. */
export const configOf = (call: MutantCall): JsonObject => {
  const config = parse(call.stdin);
  return isObject(config) ? config : {};
};
