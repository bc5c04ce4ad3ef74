/** The API's reference, made of the OpenAPI document that a daemon serves. */
import swagger from "@fastify/swagger";
import { buildApp } from "../src/api/app.ts";
import type { App } from "../src/api/server.ts";
import { version } from "../src/api/version.ts";
import { createKernel } from "../src/kernel/linux.ts";
import { createController } from "../src/model/controller.ts";
import { createEngine } from "../src/state/create-engine.ts";

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: { readonly description?: string };
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly title?: string } }>>;
  };
  readonly responses?: Readonly<Record<string, unknown>>;
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** The document, of an app whose routes nobody asks. */
export async function apiDocument(): Promise<ApiDocument> {
  const engine = createEngine(createKernel());
  await using controller = await createController({ engine, runDir: "/nonexistent" });
  const app = await buildApp(controller, { stateDir: "", runDir: "", prepare: addDocument });
  try {
    return JSON.parse(JSON.stringify(app.swagger()));
  } finally {
    await app.close();
  }
}

/** Has the document made of the routes to come. */
async function addDocument(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Portolan",
        version: version(),
        description: "Networks, sandboxes and endpoints. Every error has the form `Error`; ask by its `code`.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/", description: "on the daemon's unix socket" }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => (typeof json["$id"] === "string" ? json["$id"] : `def-${i}`),
    },
  });
}

function operationText(method: string, path: string, { summary, parameters = [], requestBody }: Operation): string {
  const body = requestBody?.content["application/json"]?.schema.title ?? "";
  const query = parameters.filter((one) => one.in === "query").map(({ name }) => `\`${name}\``);
  const parts = [
    `| \`${method.toUpperCase()} ${path}\``,
    summary ?? "",
    body === "" ? "" : `\`${body}\``,
    query.join(", "),
  ];
  return `${parts.join(" | ")} |`;
}

/** The page docs/api.md. */
export function apiPage({ paths, components }: ApiDocument): string {
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => operationText(method, path, operation)),
  );
  return `# The API

HTTP on the daemon's unix socket (\`/run/portolan/portolan.sock\`, mode 0660). The whole of it, with every form, is in
[openapi.json](openapi.json); a daemon serves the same at \`/portolan/v1/openapi.json\`. This page is made by \`node scripts/api-docs.ts\`.

\`\`\`sh
curl --unix-socket /run/portolan/portolan.sock http://portolan/portolan/v1/networks
\`\`\`

| Request | What it does | Body | Query |
|---|---|---|---|
${rows.join("\n")}

- \`{reference}\` is an id, a name, or the beginning of an id.
- \`filters\` is a JSON object of arrays: \`{"label":["tier=1"]}\`; every key must match one of its values.
- \`explain=true\` answers \`{ "result": …, "commands": [ … ] }\`: with the \`ip\`, \`nft\` and \`sysctl\` commands that do the same.
- \`dryRun=true\` changes nothing; the answer shows what would be.
- A request whose client goes away before the answer is taken back.
- An error has a stable \`code\`, a \`message\`, and where known the \`object\`, the \`reason\` in the words of whoever refused, and \`advice\`.
- Events are a JSON object a line, until the client goes; \`time\` is nanoseconds since 1970, as text.

Forms: ${Object.keys(components?.schemas ?? {})
    .map((name) => `\`${name}\``)
    .join(", ")}.
`;
}
