/**
 * The three rewritings of a document that follow from its schema alone: filling defaults in, leaving them out, and making
 * objects of the empty tables that Lua cannot tell from arrays.
 *
 * Does not own: whether the document is valid. Whatever does not fit the schema passes through untouched.
 *
 * C1. Documents are never changed; what is unchanged is shared.
 * C2. Free JSON (`spec`, `ctx`, `extras`, the flow) is never looked into.
 * C3. `minimal(document)` and `minimal(complete(document))` are equal.
 * C4. A default, once released, never changes: stored documents leave it out.
 */
import { deepEqual, isJsonObject, type Json, type JsonObject } from "../flow/index.ts";
import type { LinkedNode } from "./schema/linked.ts";
import { linkedSchema } from "./schema/validator.generated.ts";

/** What is done to each object of a known shape, after its parts. */
type Rewrite = (object: JsonObject, shape: LinkedNode) => JsonObject;

/** The document with every default filled in, and without keys that are null because they are absent. */
export function complete(document: Json): Json {
  return rewrite(withAgentKinds(document), linkedSchema, fillDefaults);
}

/** The document without what goes without saying: nulls for absent keys, and values equal to their default. */
export function minimal(document: Json): Json {
  return rewrite(withAgentKinds(document), linkedSchema, leaveDefaults);
}

/** The document with `{}` for each `[]` that stands where the schema wants an object. */
export function objectsForEmptyTables(document: Json): Json {
  return rewrite(document, linkedSchema, (object) => object, true);
}

/** What a definition is called by, or the schema itself. */
export function resolved(node: LinkedNode): LinkedNode {
  const name = node.$ref?.slice("#/$defs/".length);
  return name === undefined ? node : (linkedSchema.$defs[name] ?? {});
}

/** The variant of a tagged object that `value` is of, the schema itself where it has no variants, else undefined. */
export function variantOf(node: LinkedNode, value: Json | undefined): LinkedNode | undefined {
  const shape = resolved(node);
  if (shape.oneOf === undefined || shape.discriminator === undefined) return shape;
  const { propertyName } = shape.discriminator;
  if (!isJsonObject(value) || !Object.hasOwn(value, propertyName)) return undefined;
  const tag = value[propertyName];
  return shape.oneOf.map(resolved).find((variant) => variant.properties?.[propertyName]?.const === tag);
}

function fillDefaults(object: JsonObject, shape: LinkedNode): JsonObject {
  const kept = withoutNulls(object, shape);
  const missing = fieldsOf(shape).filter(([key, field]) => field.default !== undefined && !Object.hasOwn(kept, key));
  if (missing.length === 0) return kept;
  return { ...kept, ...Object.fromEntries(missing.map(([key, field]) => [key, field.default as Json])) };
}

function leaveDefaults(object: JsonObject, shape: LinkedNode): JsonObject {
  const kept = withoutNulls(object, shape);
  const silent = fieldsOf(shape).filter(([key, field]) => {
    if (field.default === undefined || !Object.hasOwn(kept, key)) return false;
    return deepEqual(kept[key] as Json, rewrite(field.default as Json, field, leaveDefaults));
  });
  return without(
    kept,
    silent.map(([key]) => key),
  );
}

function withoutNulls(object: JsonObject, shape: LinkedNode): JsonObject {
  const absent = fieldsOf(shape).filter(
    ([key, field]) =>
      field.default === undefined &&
      !shape.required?.includes(key) &&
      Object.hasOwn(object, key) &&
      object[key] === null,
  );
  return without(
    object,
    absent.map(([key]) => key),
  );
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  if (keys.length === 0) return object;
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function fieldsOf(shape: LinkedNode): readonly (readonly [string, LinkedNode])[] {
  return Object.entries(shape.properties ?? {});
}

/** An inline agent without a kind is of the document's `default_agent_kind`, where the document says one. */
function withAgentKinds(document: Json): Json {
  if (!isJsonObject(document) || !Object.hasOwn(document, "default_agent_kind")) return document;
  const { agents, default_agent_kind: kind } = document;
  if (typeof kind !== "string" || !Array.isArray(agents)) return document;
  const kinded = mapShared(agents as readonly Json[], (agent) =>
    isJsonObject(agent) && !Object.hasOwn(agent, "kind") ? { ...agent, kind } : agent,
  );
  return kinded === agents ? document : { ...document, agents: kinded };
}

/** Applies `change` to every object of a known shape, innermost first. Depth is bounded by the schema's. */
function rewrite(value: Json, node: LinkedNode, change: Rewrite, emptyTables = false): Json {
  if (Array.isArray(value)) {
    const { items, type } = resolved(node);
    if (emptyTables && value.length === 0 && type === "object") return {};
    if (items === undefined) return value;
    return mapShared(value as readonly Json[], (item) => rewrite(item, items, change, emptyTables));
  }
  if (!isJsonObject(value)) return value;
  const shape = variantOf(node, value);
  if (shape === undefined) return value;
  const values = typeof shape.additionalProperties === "object" ? shape.additionalProperties : undefined;
  const parts = Object.keys(value).map((key): readonly [string, Json] => {
    const part = value[key] as Json;
    const field = shape.properties && Object.hasOwn(shape.properties, key) ? shape.properties[key] : values;
    return [key, field === undefined ? part : rewrite(part, field, change, emptyTables)];
  });
  const changed = parts.some(([key, part]) => part !== value[key]) ? Object.fromEntries(parts) : value;
  return shape.properties === undefined ? changed : change(changed, shape);
}

function mapShared(items: readonly Json[], map: (item: Json) => Json): readonly Json[] {
  const mapped = items.map(map);
  return mapped.every((item, index) => item === items[index]) ? items : mapped;
}
