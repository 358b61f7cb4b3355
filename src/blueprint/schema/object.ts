/**
 * Builders the Blueprint schema is written with: TypeBox, bent to this document's rules.
 *
 * S1. Objects are closed, and their properties readonly.
 * S2. A key is required unless it is `maybe` (absent from the typed value when absent or null in the document) or has a
 *     default (present in the typed value whatever the document does). The generator reads both off the schema.
 * S3. A schema with a `$id` becomes a definition of the published file; everything else is written in place.
 *
 * These run when the schema files are generated and in tests; at run time only their types are used.
 */
import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from "@sinclair/typebox";
import type { Json } from "../../flow/index.ts";

/** The words every field has in the published schema. */
export interface Words {
  readonly description: string;
  readonly examples?: readonly unknown[];
}

/** A closed object. */
export function closed<P extends TProperties>(
  id: string,
  description: string,
  properties: P,
): TUnsafe<Readonly<Static<TObject<P>>>> {
  return Type.Unsafe(Type.Object(properties, { $id: id, description, additionalProperties: false }));
}

/** An optional key: absent and null mean the same. */
export function maybe<T extends TSchema>(schema: T) {
  return Type.Optional(schema);
}

/** A key the typed value always has. */
export function defaulted<T extends TSchema>(schema: T, value: Static<T>): TUnsafe<Static<T>> {
  return Type.Unsafe({ ...schema, default: value });
}

/** Free text. */
export function text(description: string, options: { minLength?: number; examples?: readonly string[] } = {}) {
  return Type.String({ description, ...options });
}

/** A whole number between two bounds, both included. */
export function whole(description: string, minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) {
  return Type.Integer({ description, minimum, maximum });
}

/** A switch. */
export function flag(description: string) {
  return Type.Boolean({ description });
}

/** An array. */
export function list<T extends TSchema>(items: T, description: string): TUnsafe<readonly Static<T>[]> {
  return Type.Unsafe(Type.Array(items, { description }));
}

/** An array of strings. */
export function texts(description: string): TUnsafe<readonly string[]> {
  return list(Type.String(), description);
}

/** An object with keys of the author's choosing. */
export function mapOf<T extends TSchema>(values: T, description: string): TUnsafe<Readonly<Record<string, Static<T>>>> {
  return Type.Unsafe({ type: "object", description, additionalProperties: values });
}

/** Any JSON value; what is inside is not looked at. */
export function free(description: string): TUnsafe<Json> {
  return Type.Unsafe({ description });
}

/** One of a closed set of words, each explained. */
export function oneWord<const W extends Readonly<Record<string, string>>>(
  description: string,
  words: W,
): TUnsafe<keyof W & string> {
  return Type.Unsafe({
    description,
    type: "string",
    enum: Object.keys(words),
    enumDescriptions: Object.values(words),
  });
}

/** Objects told apart by the word under `tag`. Each variant has that key with a `const`. */
export function tagged<T extends readonly TSchema[]>(
  id: string,
  tag: string,
  description: string,
  variants: readonly [...T],
): TUnsafe<Static<T[number]>> {
  return Type.Unsafe({
    $id: id,
    description,
    type: "object",
    required: [tag],
    discriminator: { propertyName: tag },
    oneOf: variants,
  });
}

/** A definition elsewhere in the file, by its `$id`; for recursion. */
export function named<T>(id: string, description?: string): TUnsafe<T> {
  return Type.Unsafe(description === undefined ? { $ref: id } : { $ref: id, description });
}
