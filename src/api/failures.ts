/** Every failure as the one form that errors have on the wire. */
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { PortolanError } from "../errors.ts";
import { nearest } from "../nearest.ts";

/** Answers a request that failed. */
export function answerFailure(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const failure = failureOf(error);
  const own = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
  const status = error instanceof PortolanError || own === undefined ? failure.status : own;
  if (failure.code === "internal") request.log.error(error);
  void reply.code(status).type("application/json; charset=utf-8").send(JSON.stringify(failure));
}

/** Answers for an address that there is not. */
export function unknownRoute(request: FastifyRequest, reply: FastifyReply): void {
  const failure = new PortolanError("not-found", `there is no ${request.method} ${request.url.split("?")[0]}`, {
    advice: "GET /portolan/v1/openapi.json of a daemon lists what there is",
  });
  void reply.code(failure.status).type("application/json; charset=utf-8").send(JSON.stringify(failure));
}

function failureOf(error: FastifyError | Error): PortolanError {
  if (error instanceof PortolanError) return error;
  if ("validation" in error && error.validation !== undefined) return invalid(error);
  if ("statusCode" in error && error.statusCode !== undefined && error.statusCode < 500) {
    return new PortolanError("invalid-argument", error.message, { cause: error });
  }
  return new PortolanError("internal", "the engine met a fault of its own", { reason: error.message, cause: error });
}

/** What a schema says of a request. */
function invalid(error: FastifyError): PortolanError {
  const [first] = error.validation ?? [];
  const where = `${error.validationContext ?? "request"}${first?.instancePath.replaceAll("/", ".") ?? ""}`;
  const unknown = first?.params["additionalProperty"];
  if (typeof unknown === "string") {
    const near = nearest(unknown, knownProperties(first));
    return new PortolanError("invalid-argument", `the ${where} has an unknown member "${unknown}"`, {
      object: where,
      advice: near === undefined ? "leave it out" : `did you mean "${near}"?`,
      cause: error,
    });
  }
  return new PortolanError("invalid-argument", `the ${where} ${first?.message ?? "is not as it should be"}`, {
    object: where,
    cause: error,
  });
}

/** Members that the refused object may have, where the validator tells its schema. */
function knownProperties(failure: unknown): readonly string[] {
  if (typeof failure !== "object" || failure === null || !("parentSchema" in failure)) return [];
  const schema = failure.parentSchema;
  if (typeof schema !== "object" || schema === null || !("properties" in schema)) return [];
  return Object.keys(schema.properties ?? {});
}
