/**
 * The one error class of the language: decoding, paths, expressions, the machine.
 *
 * Owns: the kinds, where an error is, and the JSON form of an error.
 * Does not own: the texts of evaluation errors (failures.ts) or of decode errors (decode-problem.ts).
 *
 * Run-time texts start with one of the seven prefixes of the language (`path not found: `, `type error in '`, ...), so
 * that a flow that keeps an error text with `err_at` can be read by people and programs that know flow.ir.
 */
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { StepKey } from "./step-key.ts";

/**
 * What went wrong. The first seven are the language's own and can be caught by `try`. `limit_exceeded` ends the run.
 *
 * - `path_not_found`: a read of a path that is not there (`path` expression outside `exists`)
 * - `invalid_path`: malformed path text, or a write target that is not a `path` expression
 * - `non_bool_cond`: a branch condition that is not a boolean
 * - `type_error`: an operand or a write target of the wrong type; `op` says where
 * - `arith_error`: division by zero or a result that is no finite number; `op` says where
 * - `dispatcher_error`: a step failed; `ref` says which
 * - `extern_error`: a host function failed or is not there; `ref` says which
 * - `parse_error`: a document that is not flow.ir
 * - `limit_exceeded`: one of FlowLimits was reached; `details.limit` says which
 * - `unknown_step`: an outcome for a key that is not open (never wanted, answered, or cancelled)
 * - `invalid_value`: a value handed to the machine that is not JSON
 * - `invalid_state`: a saved machine that is malformed or belongs to another program
 * - `invalid_limit`: a limit out of its range
 */
export type FlowErrorKind =
  | "path_not_found"
  | "invalid_path"
  | "non_bool_cond"
  | "type_error"
  | "arith_error"
  | "dispatcher_error"
  | "extern_error"
  | "parse_error"
  | "limit_exceeded"
  | "unknown_step"
  | "invalid_value"
  | "invalid_state"
  | "invalid_limit";

/** All kinds, for readers of saved errors. */
export const FLOW_ERROR_KINDS: readonly FlowErrorKind[] = [
  "path_not_found",
  "invalid_path",
  "non_bool_cond",
  "type_error",
  "arith_error",
  "dispatcher_error",
  "extern_error",
  "parse_error",
  "limit_exceeded",
  "unknown_step",
  "invalid_value",
  "invalid_state",
  "invalid_limit",
];

/** Where an error is and what it names. Every field is known or absent, never guessed. */
export interface FlowErrorSite {
  /** Path of the node in the flow, e.g. `2.body.0`; `root` for the flow itself. */
  readonly nodePath?: string;
  /** JSON pointer into the flow document; `""` is the document itself. */
  readonly pointer?: string;
  /** The agent of a step, or the host function of a `call_extern`. */
  readonly ref?: string;
  /** The operation of a type or arithmetic error: `cmp`, `add`, `expr.len`, `path.write`, `fanout.items`, ... */
  readonly op?: string;
  /** Key of the node execution that failed. */
  readonly key?: StepKey;
  /** Facts for programs; what they are depends on the kind. */
  readonly details?: JsonObject;
  /** What was thrown, where the error wraps a host's own. */
  readonly cause?: unknown;
}

const siteFields = ["nodePath", "pointer", "ref", "op", "key"] as const;

/** An error of the flow language. */
export class FlowError extends Error {
  override readonly name = "FlowError";
  readonly kind: FlowErrorKind;
  declare readonly nodePath?: string;
  declare readonly pointer?: string;
  declare readonly ref?: string;
  declare readonly op?: string;
  declare readonly key?: StepKey;
  declare readonly details?: JsonObject;

  constructor(kind: FlowErrorKind, message: string, site: FlowErrorSite = {}) {
    super(message, site.cause === undefined ? undefined : { cause: site.cause });
    this.kind = kind;
    for (const field of siteFields) {
      const value = site[field];
      if (value !== undefined) this[field] = value;
    }
    if (site.details !== undefined) this.details = site.details;
  }

  /** This error with a place. What it already knows is kept: the innermost place is the truest. */
  at(site: Pick<FlowErrorSite, "nodePath" | "pointer" | "key">): FlowError {
    return new FlowError(this.kind, this.message, { ...site, ...this.#site() });
  }

  /** The error as JSON; `fromJson` reads it back. The cause and the stack are not kept. */
  toJson(): JsonObject {
    const { cause: _cause, ...site } = this.#site();
    return { kind: this.kind, message: this.message, ...site };
  }

  /** Reads what `toJson` wrote, or `undefined` where `json` is not an error. */
  static fromJson(json: Json | undefined): FlowError | undefined {
    if (!isJsonObject(json)) return undefined;
    const kind = FLOW_ERROR_KINDS.find((known) => known === json["kind"]);
    const message = json["message"];
    if (kind === undefined || typeof message !== "string") return undefined;
    const site: { -readonly [K in keyof FlowErrorSite]: FlowErrorSite[K] } = {};
    for (const field of siteFields) {
      const value = json[field];
      if (typeof value === "string") site[field] = value;
    }
    if (isJsonObject(json["details"])) site.details = json["details"];
    return new FlowError(kind, message, site);
  }

  #site(): FlowErrorSite {
    const site: { -readonly [K in keyof FlowErrorSite]: FlowErrorSite[K] } = {};
    for (const field of siteFields) {
      const value = this[field];
      if (value !== undefined) site[field] = value;
    }
    if (this.details !== undefined) site.details = this.details;
    if (this.cause !== undefined) site.cause = this.cause;
    return site;
  }
}

/** For the end of an exhaustive switch: a new member of a closed union breaks the build where it is forgotten. */
export const assertNever = (value: never): never => {
  throw new TypeError(`unexpected member of a closed union: ${JSON.stringify(value)}`);
};
