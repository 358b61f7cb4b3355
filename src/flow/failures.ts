/**
 * The texts of run-time errors: one factory for each thing that can go wrong while a flow runs.
 *
 * The prefixes are the language's; what follows them names the value, bounded, and where it helps the way out.
 */
import { FlowError } from "./error.ts";
import type { Json } from "./json.ts";
import { renderJson } from "./json-render.ts";
import type { FlowLimits } from "./limits.ts";
import type { FlowPath } from "./path.ts";

/** A read of a path that is not there. */
export const pathNotFound = (path: FlowPath, pointer?: string): FlowError =>
  new FlowError("path_not_found", `path not found: ${path.text}`, {
    ...(pointer === undefined ? {} : { pointer }),
    details: { path: path.text },
  });

/** A write target that is not a `path` expression. */
export const notAPath = (field: string): FlowError =>
  new FlowError("invalid_path", `invalid path syntax: expected Path expr for write target '${field}'`, {
    details: { field },
  });

/** A branch condition that is not a boolean. */
export const nonBoolCond = (value: Json, pointer: string): FlowError =>
  new FlowError("non_bool_cond", `branch cond must be boolean, got: ${renderJson(value)}`, { pointer });

/** An operand or target of the wrong type. */
export const typeError = (op: string, message: string, pointer?: string): FlowError =>
  new FlowError("type_error", `type error in '${op}': ${message}`, pointer === undefined ? { op } : { op, pointer });

/** A write through a value that is not an object. `segment` is the key that could not be entered. */
export const unwritable = (path: FlowPath, segment: string, found: Json): FlowError =>
  typeError(
    "path.write",
    `cannot write path '${path.text}' at segment '${segment}': existing value at this position is not an object (${renderJson(found)})`,
  );

/** Arithmetic without a finite result. */
export const arithError = (op: string, message: string, pointer: string): FlowError =>
  new FlowError("arith_error", `arithmetic error in '${op}': ${message}`, { op, pointer });

/** A step that failed. */
export const dispatcherError = (ref: string, message: string): FlowError =>
  new FlowError("dispatcher_error", `dispatcher error for ref '${ref}': ${message}`, { ref });

/** A limit that was reached; `what` completes "the flow ...". */
export const limitExceeded = (limit: keyof FlowLimits, max: number, what: string): FlowError =>
  new FlowError("limit_exceeded", `limit exceeded: ${what} (limit ${limit} = ${max})`, { details: { limit, max } });
