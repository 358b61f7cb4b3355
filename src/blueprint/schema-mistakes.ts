/**
 * What ajv says about a document, in plain words: one diagnostic a mistake, with the field that was meant.
 */
import { isJsonObject, type Json } from "../flow/index.ts";
import { resolved, variantOf } from "./conform.ts";
import type { Diagnostic, Suggestion } from "./diagnostic.ts";
import { elementAt } from "./document-element.ts";
import { partOf, pointerTo, pointerTokens, valueAt } from "./json-pointer.ts";
import { diagnose, type LintKind } from "./lint-registry.ts";
import { nearestName } from "./nearest-name.ts";
import type { LinkedNode, SchemaMistake } from "./schema/linked.ts";
import { linkedSchema } from "./schema/validator.generated.ts";

/** The diagnostic of one mistake, or undefined where another mistake of the same call says it better. */
export function explainMistake(document: Json, mistake: SchemaMistake): Diagnostic | undefined {
  const { instancePath: at, params } = mistake;
  switch (mistake.keyword) {
    case "additionalProperties":
      return unknownField(document, at, String(params["additionalProperty"]));
    case "required":
      return missingField(document, at, String(params["missingProperty"]));
    case "type":
      return finding(
        "wrong-type",
        document,
        at,
        `${label(at)} must be ${words(params["type"])}, not ${kindOf(valueAt(document, at))}`,
      );
    case "enum":
      return badWord(document, at, params["allowedValues"] as readonly string[]);
    case "discriminator":
      return badTag(document, at, params);
    default:
      return finding(
        "invalid-value",
        document,
        at,
        `${label(at)} ${boundOf(mistake)}, not ${kindOf(valueAt(document, at))}`,
      );
  }
}

function unknownField(document: Json, at: string, key: string): Diagnostic {
  const { name, shape } = shapeAt(document, at);
  const owner = valueAt(document, at);
  const fields = Object.keys(shape?.properties ?? {});
  const free = fields.filter((field) => !(isJsonObject(owner) && Object.hasOwn(owner, field)));
  // `timeout` for `timeout_ms`: too far for a slip of the pen, but plain enough.
  const meant = nearestName(key, free) ?? free.find((field) => key.length > 2 && field.startsWith(key));
  const pointer = pointerTo(at, key);
  const suggestion: Suggestion | undefined =
    meant === undefined
      ? undefined
      : {
          message: `rename it to \`${meant}\``,
          patch: [{ op: "move", from: pointer, path: pointerTo(at, meant) }],
          applicability: "maybe_incorrect",
        };
  return diagnose("unknown-field", {
    stage: "parse",
    message: `unknown field \`${key}\`${name === undefined ? "" : ` in ${name}`}`,
    pointer,
    notes: fields.length === 0 ? [] : [`fields: ${fields.join(", ")}`],
    help: meant === undefined ? "remove it, or move it to a free field such as `spec`" : `did you mean \`${meant}\`?`,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...elementAt(document, at),
  });
}

function missingField(document: Json, at: string, key: string): Diagnostic {
  const { name, shape } = shapeAt(document, at);
  const field = shape?.properties?.[key];
  const wanted = field === undefined ? "" : ` (${words(resolved(field).type)})`;
  return diagnose("missing-field", {
    stage: "parse",
    message: `${name ?? label(at)} lacks its field \`${key}\`${wanted}`,
    pointer: at,
    help:
      name === "AgentDef" && key === "kind"
        ? "give the agent a `kind`, or the Blueprint a `default_agent_kind`"
        : `add \`${key}\``,
    ...elementAt(document, at),
  });
}

function badWord(document: Json, at: string, allowed: readonly string[]): Diagnostic | undefined {
  const value = valueAt(document, at);
  // Of another type altogether: the mistake about the type says so.
  if (typeof value !== "string") return undefined;
  const meant = nearestName(value, allowed);
  const help = meant === undefined ? undefined : `did you mean \`${meant}\`?`;
  return finding(
    "invalid-value",
    document,
    at,
    `${label(at)} must be one of ${allowed.join(", ")}, not \`${shortened(value)}\``,
    {
      ...(help === undefined ? {} : { help }),
      ...(meant === undefined
        ? {}
        : {
            suggestion: {
              message: `write \`${meant}\``,
              patch: [{ op: "replace", path: at, value: meant }],
              applicability: "maybe_incorrect",
            },
          }),
    },
  );
}

function badTag(document: Json, at: string, params: SchemaMistake["params"]): Diagnostic | undefined {
  const tag = String(params["tag"]);
  const value = params["tagValue"];
  if (value === undefined) return undefined;
  const pointer = pointerTo(at, tag);
  if (typeof value !== "string")
    return finding("wrong-type", document, pointer, `\`${tag}\` must be a text, not ${kindOf(value)}`);
  const variants = shapeAt(document, at).union?.oneOf ?? [];
  const allowed = variants
    .map((variant) => resolved(variant).properties?.[tag]?.const)
    .filter((word) => word !== undefined);
  return badWord(document, pointer, allowed);
}

function finding(
  kind: LintKind,
  document: Json,
  pointer: string,
  message: string,
  more: Partial<Pick<Diagnostic, "help" | "suggestion">> = {},
): Diagnostic {
  return diagnose(kind, { stage: "parse", message, pointer, ...more, ...elementAt(document, pointer) });
}

interface Shape {
  /** Name of the definition, where the shape has one. */
  readonly name: string | undefined;
  /** The shape of the value, a union resolved to its variant. */
  readonly shape: LinkedNode | undefined;
  /** The shape before its variant was chosen. */
  readonly union: LinkedNode | undefined;
}

/** The shape the schema has for the value at `pointer`. */
function shapeAt(document: Json, pointer: string): Shape {
  let node: LinkedNode | undefined = linkedSchema;
  let value: Json | undefined = document;
  let ref: string | undefined = linkedSchema.$ref;
  for (const token of pointerTokens(pointer)) {
    const shape: LinkedNode | undefined = node === undefined ? undefined : variantOf(node, value);
    const values: LinkedNode | undefined =
      typeof shape?.additionalProperties === "object" ? shape.additionalProperties : undefined;
    node = Array.isArray(value) ? shape?.items : (shape?.properties?.[token] ?? values);
    ref = node?.$ref;
    value = partOf(value, token);
  }
  return {
    name: ref?.slice("#/$defs/".length),
    shape: node === undefined ? undefined : variantOf(node, value),
    union: node === undefined ? undefined : resolved(node),
  };
}

function label(pointer: string): string {
  const last = pointerTokens(pointer).at(-1);
  if (last === undefined) return "the Blueprint";
  return /^\d+$/.test(last) ? `entry ${last}` : `\`${shortened(last)}\``;
}

const typeWords: Readonly<Record<string, string>> = {
  object: "an object",
  array: "a list",
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function words(type: unknown): string {
  return typeWords[String(type)] ?? "a value";
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "object":
      return "an object";
    case "string":
      return `the text \`${shortened(value)}\``;
    case "undefined":
      return "nothing";
    default:
      return String(value);
  }
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function boundOf({ keyword, params }: SchemaMistake): string {
  const { limit } = params;
  if (keyword === "minimum") return `must be at least ${limit}`;
  if (keyword === "maximum") return `must be at most ${limit}`;
  return `does not satisfy the schema's \`${keyword}\``;
}
