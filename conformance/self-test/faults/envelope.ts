/** Faults in how a plugin is asked and answers. */
import { isObject, list, parse } from "../../suite/json.ts";
import { type Mutation, quiet, resultOf, withoutKeys } from "../mutation.ts";

/** Faults in how a plugin is asked and answers. */
export const envelope: Readonly<Record<string, Mutation>> = {
  talkative: {
    fault: "prints a line of its own before every answer",
    answered: (answer) => ({ ...answer, stdout: `debug: done\n${answer.stdout}` }),
    noticed: [
      "success prints one JSON document",
      "CHECK and DEL print nothing",
      "bridge: VERSION answers with the versions",
    ],
  },
  "errors-on-stderr": {
    fault: "prints errors on stderr",
    answered: (answer) => (answer.status === 0 ? answer : { ...answer, stdout: "", stderr: answer.stdout }),
    noticed: ["an unknown command is refused", "broken JSON is refused", "without a previous result refuses ADD"],
  },
  "one-code": {
    fault: "gives every error the code 999",
    answered: (answer) => ({
      ...answer,
      stdout: answer.status === 0 ? answer.stdout : answer.stdout.replace(/"code": *\d+/, '"code": 999'),
    }),
    noticed: [
      "is refused with code",
      "are refused with code",
      "ADD without CNI_CONTAINERID",
      "an empty standard input",
      "a version that nobody knows",
      "a configuration without a name",
      "CHECK of a configuration before 0.4.0",
      "static: ADD without a container id",
      "passes its code and words on",
      "try again later",
    ],
  },
  "ends-with-0": {
    fault: "ends with 0 after an error",
    answered: (answer) => ({ ...answer, status: 0 }),
    noticed: [
      "an unknown command is refused",
      "commands are upper case",
      "CHECK without prevResult",
      "exactly 5 succeed",
      "with a slash",
      "of two dots",
    ],
  },
  "without-version": {
    fault: "answers VERSION with nothing",
    instead: ({ command }) => (command === "VERSION" ? quiet : undefined),
    noticed: [
      "bridge: VERSION answers with the versions",
      'static: VERSION answers with variables set to "dummy"',
      "loopback: the newest version it can",
    ],
  },
  "one-version": {
    fault: "gives results of every version the version 0.3.1",
    answered: resultOf((result) => ({ ...result, cniVersion: "0.3.1" })),
    noticed: [
      "the result of a bridge has the form of 1.0.0",
      "the result of a bridge has the form of 0.2.0",
      "an IPAM plugin's own result has the form of 0.4.0",
      "an IPAM plugin may answer in version",
    ],
  },
  "old-habits": {
    fault: "gives addresses a version although 1.0.0 has none",
    answered: resultOf((result) => ({
      ...result,
      ips: list(result, "ips").map((ip) => (isObject(ip) ? { version: "4", ...ip } : ip)),
    })),
    noticed: ["the result of a bridge has the form of 1.0.0"],
  },
  rereading: {
    fault: "reads the configuration and writes it again",
    given: (call) => ({ ...call, stdin: JSON.stringify(parse(call.stdin) ?? null) }),
    noticed: ["integers above 2^53", "numbers of many digits"],
  },
  "deaf-to-args": {
    fault: "does not read CNI_ARGS",
    given: (call) => ({
      ...call,
      environment: Object.fromEntries(Object.entries(call.environment).filter(([key]) => key !== "CNI_ARGS")),
    }),
    noticed: [
      "an unknown key of CNI_ARGS",
      "CNI_ARGS that are no pairs",
      "CNI_ARGS MAC is",
      "CNI_ARGS IP passes",
      "asked for by CNI_ARGS IP is given",
      "CNI_ARGS IP and GATEWAY",
      "gets the caller's environment",
    ],
  },
  "no-version-is-new": {
    fault: "takes a configuration without a version for one of 1.0.0",
    given: (call) => {
      const config = parse(call.stdin);
      return isObject(config) && config["cniVersion"] === undefined
        ? { ...call, stdin: JSON.stringify({ ...config, cniVersion: "1.0.0" }) }
        : call;
    },
    noticed: ["a configuration without a version is one of 0.1.0"],
  },
  "ascii-only": {
    fault: "passes texts on in ASCII",
    given: (call) => ({ ...call, stdin: call.stdin.replaceAll(/[^\x20-\x7e]/g, "?") }),
    noticed: ["texts of any script"],
  },
  "exact-keys": {
    fault: "does not know keys in another case",
    given: withoutKeys("BRIDGE"),
    noticed: ["keys are told apart without regard to case"],
  },
};
