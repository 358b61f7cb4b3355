/**
 * Conformance vectors: what one looks like, and reading a file of them.
 *
 * The vectors record what the reference implementation of flow.ir does. They are data; nothing in them is ours.
 */
import { readFileSync } from "node:fs";
import { isJsonObject, type Json, type JsonObject } from "../../src/flow/index.ts";

/** What a vector expects: the fields its body calls for. */
export interface Expectation {
  readonly value?: Json;
  readonly value_approx?: number;
  readonly tolerance?: number;
  readonly ctx?: Json;
  readonly ctx_after_error?: Json;
  readonly error_kind?: string;
  readonly error_message?: string;
  readonly error_op?: string;
  readonly error_ref?: string;
  readonly error_text_at?: readonly string[];
  readonly dispatch_count?: number;
  readonly dispatch_calls?: readonly { readonly ref: string; readonly input: Json }[];
  readonly canonical?: Json;
  readonly root?: string;
  readonly segments?: readonly string[];
  readonly reparse_ok?: boolean;
  readonly reason?: string;
}

/** One vector. It has one body: `node`, `expr`, `parse_node`, `parse_expr` or `path`. */
export interface Vector {
  readonly id: string;
  readonly node?: Json;
  readonly expr?: Json;
  readonly parse_node?: Json;
  readonly parse_expr?: Json;
  readonly path?: string;
  readonly ctx?: Json;
  readonly dispatch?: JsonObject;
  readonly externs?: JsonObject;
  readonly expect: Expectation;
  /** What the asynchronous evaluator does, where that differs. */
  readonly expect_async?: Expectation;
  /** The only evaluator the vector is about; absent: both. */
  readonly mode?: "sync" | "async";
  /** Present on vectors of dialect 0.2. */
  readonly reference?: string;
  /** A documented oddity of the reference that is not to be copied. */
  readonly quirk?: boolean;
  readonly note?: string;
}

/** Reads a file of vectors. Throws an Error that names the file where it is not one. */
export const readVectors = (file: string): readonly Vector[] => {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`cannot read vectors from ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  if (!Array.isArray(content)) throw new Error(`${file} is not an array of vectors`);
  return content.map((vector: unknown, index) => {
    if (!isJsonObject(vector) || typeof vector["id"] !== "string" || !isJsonObject(vector["expect"])) {
      throw new Error(`${file}: entry ${index} is not a vector (an object with 'id' and 'expect')`);
    }
    return vector as unknown as Vector;
  });
};
