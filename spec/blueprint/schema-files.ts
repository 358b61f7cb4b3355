/**
 * Makes the two files that are generated from the TypeBox schema in `src/blueprint/schema/`.
 *
 * - `publishedSchema`: JSON Schema for editors and other programs. It describes the document as people write it: with
 *   refs where they are useful, and with the nulls that mlua-swarm writes for what is absent.
 * - `validatorSource`: a module with the linked document's schema as data and ajv's compiled validators of it. Compiling
 *   at start would cost more than all the rest of a small run.
 */
import { OptionalKind, type TSchema } from "@sinclair/typebox";
import { Ajv } from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import { BlueprintSchema } from "../../src/blueprint/schema/document.ts";
import { FlowExprSchema, FlowNodeSchema } from "../../src/blueprint/schema/flow.ts";

type Schema = Readonly<Record<string, unknown>>;

/** How one rendering differs from the other. */
interface Rendering {
  /** Called with each property's finished schema. */
  readonly property: (schema: Schema, name: string, optional: boolean) => Schema;
  /** Keywords that are left out. */
  readonly omit: ReadonlySet<string>;
}

const roots = [BlueprintSchema, FlowNodeSchema, FlowExprSchema];

/** Writes every schema that has a `$id` as a definition, and a reference wherever it is used. */
function definitions(rendering: Rendering, schemas: readonly TSchema[]): Map<string, Schema> {
  const found = new Map<string, Schema>();
  const place = (schema: Schema): Schema => {
    const { $id, $ref, ...rest } = schema as { $id?: string; $ref?: string };
    if ($ref !== undefined) return { ...render(rest), $ref: `#/$defs/${$ref}` };
    if ($id === undefined) return render(rest);
    if (!found.has($id)) {
      found.set($id, {});
      const { default: _default, ...body } = rest as { default?: unknown };
      found.set($id, render(body));
    }
    const fallback = "default" in rest ? { default: rest.default } : {};
    return { $ref: `#/$defs/${$id}`, ...pick(fallback) };
  };
  const pick = (schema: Schema): Schema =>
    Object.fromEntries(Object.entries(schema).filter(([key]) => !rendering.omit.has(key)));
  const render = (schema: Schema): Schema => {
    const out: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(pick(schema))) {
      if (key === "properties") out[key] = properties(value as Readonly<Record<string, TSchema>>);
      else if (key === "required") continue;
      else if (key === "items") out[key] = place(value as Schema);
      else if (key === "additionalProperties" && typeof value === "object") out[key] = place(value as Schema);
      else if (key === "oneOf") out[key] = (value as readonly Schema[]).map(place);
      else out[key] = value;
    }
    const fields = schema["properties"] as Readonly<Record<string, TSchema>> | undefined;
    const required = fields === undefined ? schema["required"] : requiredKeys(fields);
    return Array.isArray(required) && required.length > 0 ? { ...out, required } : out;
  };
  const properties = (fields: Readonly<Record<string, TSchema>>): Schema =>
    Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, rendering.property(place(field), name, isOptional(field))]),
    );
  for (const schema of schemas) place(schema);
  return found;
}

const isOptional = (field: TSchema): boolean => field[OptionalKind] === "Optional";

const requiredKeys = (fields: Readonly<Record<string, TSchema>>): readonly string[] =>
  Object.entries(fields)
    .filter(([, field]) => !isOptional(field) && !("default" in field))
    .map(([name]) => name);

/** The same schema, allowing null besides. */
function nullable(schema: Schema): Schema {
  if (typeof schema["type"] === "string" && !("oneOf" in schema)) {
    const words = schema["enum"] as readonly unknown[] | undefined;
    const described = schema["enumDescriptions"] as readonly string[] | undefined;
    return {
      ...schema,
      type: [schema["type"], "null"],
      ...(words === undefined ? {} : { enum: [...words, null] }),
      ...(described === undefined ? {} : { enumDescriptions: [...described, "The same as absent."] }),
    };
  }
  if (!("$ref" in schema)) return schema;
  const { $ref, ...words } = schema;
  return { ...words, anyOf: [{ $ref }, { type: "null" }] };
}

const fileRef: Schema = {
  description: "Replaced by the text of a file: the only key of its object.",
  type: "object",
  properties: { $file: { description: "Relative path, looked up in the include directories.", type: "string" } },
  required: ["$file"],
  additionalProperties: false,
};

/** Text fields in which a `$file` ref is usual. */
const linkable: ReadonlySet<string> = new Set(["system_prompt", "stdin", "source"]);

/** The JSON Schema that is published as `spec/blueprint.schema.json`. */
export function publishedSchema(): Schema {
  const found = definitions(
    {
      omit: new Set(["discriminator"]),
      property: (schema, name, optional) => {
        const field = optional ? nullable(schema) : schema;
        if (!linkable.has(name)) return field;
        const { description, default: fallback, ...rest } = field as { description?: string; default?: unknown };
        return {
          description,
          ...(fallback === undefined ? {} : { default: fallback }),
          anyOf: [rest, { $ref: "#/$defs/FileRef" }],
        };
      },
    },
    roots,
  );
  const { required, ...agent } = found.get("AgentDef") as { properties: Schema; required: readonly string[] };
  found.set("AgentDef", { ...agent, required: required.filter((key) => key !== "kind") });
  const agents = (found.get("Blueprint") as { properties: { agents: Record<string, unknown> } }).properties.agents;
  agents["items"] = { anyOf: [{ $ref: "#/$defs/AgentDef" }, { $ref: "#/$defs/AgentRef" }] };
  found.set("AgentRef", {
    description:
      "An agent read from an agent.md file. Keys beside `$agent_md` replace what the file says, each as a whole.",
    type: "object",
    properties: {
      $agent_md: { description: "Relative path, looked up in the include directories.", type: "string" },
      ...agent.properties,
    },
    required: ["$agent_md"],
    additionalProperties: false,
  });
  found.set("FileRef", fileRef);
  const { Blueprint, ...defs } = Object.fromEntries(found);
  const { properties, ...document } = Blueprint as { properties: Schema };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "urn:swarm-host:schema:blueprint",
    title: "swarm-host Blueprint",
    ...document,
    properties,
    // An agent may leave its kind to the document, where the document says one.
    if: { required: ["default_agent_kind"] },
    else: {
      properties: { agents: { items: { anyOf: [{ required: ["kind"] }, { required: ["$agent_md"] }] } } },
    },
    $defs: defs,
  };
}

/**
 * The schema of a linked document: no refs, no nulls for absent keys, no words. The flow is left open: its decoder checks it.
 */
export function linkedSchema(): Schema {
  const annotations = ["description", "examples", "enumDescriptions"];
  const found = definitions({ omit: new Set(annotations), property: (schema) => schema }, [BlueprintSchema]);
  return { $defs: { ...Object.fromEntries(found), FlowNode: {} }, $ref: "#/$defs/Blueprint" };
}

/** The module `src/blueprint/schema/validator.generated.ts`. */
export function validatorSource(): string {
  const schema = linkedSchema();
  const ajv = new Ajv({
    allErrors: true,
    discriminator: true,
    messages: false,
    code: { source: true, esm: true, optimize: 2 },
  });
  const code = standaloneCode.default(ajv, ajv.compile(schema));
  const [, name, body] = /^"use strict";export const validate = (\w+);export default \1;(.*)$/s.exec(code) ?? [];
  if (name === undefined || body === undefined || body.includes("require(")) {
    throw new Error("ajv's standalone code has another form than this generator knows");
  }
  return [
    "// biome-ignore-all lint: generated",
    "// biome-ignore-all format: generated",
    "// biome-ignore-all assist: generated",
    "// @ts-nocheck: generated",
    "// Generated by `node spec/blueprint/generate-schema.ts` from the schema in this folder. Do not edit.",
    'import type { DocumentValidator, LinkedSchema } from "./linked.ts";',
    "/** The schema of a linked document, as data. */",
    `export const linkedSchema: LinkedSchema = JSON.parse(${JSON.stringify(JSON.stringify(schema))});`,
    "/** ajv's validator of `linkedSchema`: true, or false with every mistake in its `errors`. */",
    `export const validateDocument: DocumentValidator = ${name};`,
    // ajv keeps the whole schema for messages, which are off.
    body.replace(/^const schema11 = /, "").replace(`${JSON.stringify(schema)};`, ""),
    "",
  ].join("\n");
}
