// Writes src/api.ts from the shop's OpenAPI document: a type for each schema, a method for each operation.
// usage: node generate.mjs < openapi.json > src/api.ts     (script/generate-client does it)
import { readFileSync } from "node:fs";

const document = JSON.parse(readFileSync(0, "utf8"));
const { schemas, parameters } = document.components;

const quoted = (text) => JSON.stringify(text);
const member = (name) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoted(name));
const camel = (name) => name.replace(/[_-]([A-Za-z])/g, (_, letter) => letter.toUpperCase());
const named = (reference) => reference.split("/").pop();

/** One comment from what is known; nothing if nothing is. */
function comment(indent, ...texts) {
  const lines = texts.filter((text) => text).map((text) => text.replaceAll("*/", "* /"));
  if (lines.length === 0) return "";
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

const json_types = {
  string: "string", integer: "number", number: "number", boolean: "boolean", null: "null", array: "unknown[]",
  object: "{ [name: string]: unknown }",
};

/** A schema as the text of a type. What no type can say (ranges, patterns) is left to the shop. */
function type_of(schema, indent = "") {
  if (schema === true || Object.keys(schema).length === 0) return "unknown";
  if (schema.$ref) return named(schema.$ref);
  if (schema.const !== undefined) return quoted(schema.const);
  if (schema.enum) return schema.enum.map(quoted).join(" | ");
  if (schema.properties) return members_of(schema, indent);
  if (schema.allOf) return schema.allOf.map((part) => type_of(part, indent)).join(" & ");
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return several.map((part) => type_of(part, indent)).join(" | ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => json_types[type]).join(" | ");
  if (schema.type === "array" && schema.items) return `Array<${type_of(schema.items, indent)}>`;
  if (schema.type === "object" && schema.maxProperties === 0) return "{ [name: string]: never }";
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return `{ [name: string]: ${type_of(schema.additionalProperties, indent)} }`;
  if (!json_types[schema.type]) throw new Error(`no type for ${JSON.stringify(schema)}`);
  return json_types[schema.type];
}

function members_of(schema, indent) {
  const inner = indent + "  ";
  let text = "{\n";
  for (const [name, what] of Object.entries(schema.properties)) {
    const needed = (schema.required ?? []).includes(name);
    text += comment(inner, what.description) + `${inner}${member(name)}${needed ? "" : "?"}: ${type_of(what, inner)};\n`;
  }
  return text + indent + "}";
}

function write_schema([name, schema]) {
  return comment("", schema.description) + `export type ${name} = ${type_of(schema)};\n`;
}

/** The codes of all problems that the document names. */
function codes() {
  const found = new Set();
  for (const { answers } of operations())
    for (const answer of Object.values(answers))
      for (const part of answer.content?.["application/problem+json"]?.schema?.allOf ?? [])
        for (const code of part.properties?.code?.enum ?? []) found.add(code);
  return [...found].sort();
}

function* operations() {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, said] of Object.entries(methods)) {
      const all = (said.parameters ?? []).map((one) => (one.$ref ? parameters[named(one.$ref)] : one));
      const within = (where) => all.filter((one) => one.in === where);
      yield { path, method: method.toUpperCase(), said, placeholders: within("path"), query: within("query"),
        headers: within("header"), answers: said.responses };
    }
}

/** What a good answer is: its media type and type. */
function answer_of({ answers, said }) {
  const good = Object.entries(answers).filter(([status]) => status.startsWith("2"));
  const types = good.map(([, answer]) => {
    const [media, content] = Object.entries(answer.content ?? {})[0] ?? [];
    if (!media) return ["none", "undefined"];
    if (media === "application/json") return ["json", type_of(content.schema, "  ")];
    return media.startsWith("text/event-stream") ? ["stream", "ReadableStream<Uint8Array>"] : ["text", "string"];
  });
  const kinds = new Set(types.map(([kind]) => kind));
  if (kinds.size !== 1) throw new Error(`${said.operationId} answers in several ways`);
  return { kind: types[0][0], type: [...new Set(types.map(([, type]) => type))].join(" | ") };
}

/** The argument for a request's body, and how it is sent. */
function body_of({ said }) {
  if (!said.requestBody) return {};
  const types = Object.keys(said.requestBody.content);
  if (types[0] === "application/json") {
    const type = type_of(said.requestBody.content[types[0]].schema, "  ");
    return { arguments: [`body${said.requestBody.required ? "" : "?"}: ${type}`], sent: ["body"] };
  }
  return { arguments: ["file: BodyInit", `contentType: ${types.map(quoted).join(" | ")}`], sent: ["file", "contentType"] };
}

const query_name = (said) => camel("_" + said.operationId) + "Query";

function query_of({ query, said }) {
  if (query.length === 0) return {};
  const needed = query.some((one) => one.required);
  return { arguments: [`query: ${query_name(said)}${needed ? "" : " = {}"}`], sent: ["query"] };
}

function write_query({ query, said }) {
  const members = query.map((one) =>
    comment("  ", one.description) + `  ${member(one.name)}${one.required ? "" : "?"}: ${type_of(one.schema)};\n`);
  return comment("", `What \`${camel(said.operationId)}\` may be asked with.`) + `export type ${query_name(said)} = {\n${members.join("")}};\n`;
}

const own_options = { "Idempotency-Key": "idempotencyKey?: string", "If-Match": "ifMatch?: string | number", Prefer: "prefer?: string" };

function write_operation(operation) {
  const { path, method, said, placeholders, headers } = operation;
  const answer = answer_of(operation);
  const body = body_of(operation);
  const query = query_of(operation);
  const has = (name) => headers.some((one) => one.name === name);
  const own = Object.entries(own_options).filter(([header]) => has(header)).map(([, option]) => option);
  const options = (...more) => ["CallOptions", ...[own.concat(more).join("; ")].filter((text) => text).map((text) => `{ ${text} }`)].join(" & ");
  const before = [...placeholders.map((one) => `${camel(one.name)}: string`), ...(body.arguments ?? []), ...(query.arguments ?? [])];
  const target = "`" + path.replace(/{([^}]*)}/g, (_, name) => "${encodeURIComponent(" + camel(name) + ")}") + "`";
  const plan = [`method: ${quoted(method)}`, `path: ${placeholders.length ? target : quoted(path)}`, `answer: ${quoted(answer.kind)}`];
  if (has("Idempotency-Key")) plan.push("keyed: true");
  for (const name of [...(query.sent ?? []), ...(body.sent ?? [])]) plan.push(name);

  const name = camel(said.operationId);
  let text = comment("  ", `${said.summary}.`, said.description, `\`${method} ${path}\``);
  if (has("If-None-Match")) {
    const left_out = before.map((one) => one.replace(/^(\w+): (.*) = {}$/, "$1?: $2"));
    const asked = before.map((one) => one.replace(/ = {}$/, ""));
    text += `  ${name}(${[...asked, `options: ${options("ifNoneMatch: string")}`].join(", ")}): Promise<Answer<${answer.type}> | NotModified>;\n`;
    text += `  ${name}(${[...left_out, `options?: ${options()}`].join(", ")}): Promise<Answer<${answer.type}>>;\n`;
  }
  const [ask, type, more] = has("If-None-Match") ? ["ask", `Answer<${answer.type}> | NotModified`, ["ifNoneMatch?: string"]] : ["send", `Answer<${answer.type}>`, []];
  text += `  ${name}(${[...before, `options: ${options(...more)} = {}`].join(", ")}): Promise<${type}> {\n`;
  return text + `    return this.${ask}<${answer.type}>({ ${plan.join(", ")} }, options);\n  }\n`;
}

function write_class() {
  let text = comment("", document.info.summary) + "export class Souk extends Connection {\n";
  const all = [...operations()];
  for (const tag of document.tags) {
    text += `  // ${tag.name}: ${tag.description}\n\n`;
    for (const operation of all) if (operation.said.tags[0] === tag.name) text += write_operation(operation) + "\n";
  }
  return text.trimEnd() + "\n}\n";
}

process.stdout.write([
  "// Made from the shop's OpenAPI document by script/generate-client; changed there, not here.\n" +
  'import { Connection } from "./connection.js";\nimport type { Answer, CallOptions, NotModified } from "./connection.js";\n',
  ...Object.entries(schemas).map(write_schema),
  ...[...operations()].filter(({ query }) => query.length > 0).map(write_query),
  `/** Every \`code\` that the document names; later shops may have more. */\nexport type ProblemCode =\n${codes().map((code) => `  | ${quoted(code)}`).join("\n")};\n`,
  write_class(),
].join("\n"));
