/**
 * Shapes of what is generated from the schema: the linked document's schema as data, and ajv's validator of it.
 */

/** One schema of the generated document: the keywords that this project's schemas use. */
export interface LinkedNode {
  readonly $ref?: string;
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly properties?: Readonly<Record<string, LinkedNode>>;
  readonly required?: readonly string[];
  /** `false`: closed. A schema: a map with values of that schema. `true` or absent: free. */
  readonly additionalProperties?: boolean | LinkedNode;
  readonly items?: LinkedNode;
  readonly oneOf?: readonly LinkedNode[];
  readonly discriminator?: { readonly propertyName: string };
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** The schema of a linked document. */
export interface LinkedSchema {
  readonly $ref: string;
  readonly $defs: Readonly<Record<string, LinkedNode>>;
}

/** One mistake, as ajv says it. */
export interface SchemaMistake {
  /** JSON pointer to the value that is wrong, or to the object that has or lacks a key. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** ajv's validator. `errors` is of the last call: read it at once. */
export interface DocumentValidator {
  (document: unknown): boolean;
  errors?: readonly SchemaMistake[] | null;
}
