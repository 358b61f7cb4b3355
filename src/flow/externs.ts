/**
 * Externs: host functions a flow calls by name with `call_extern`.
 *
 * Owns: the port, the empty registry and the registry over a record. Functions are synchronous and must be pure, or be
 * made replayable by whoever supplies the port: `site` names the call so that its value can be journaled.
 */
import { FlowError } from "./error.ts";
import type { Json } from "./json.ts";
import type { StepKey } from "./step-key.ts";

/** Which call this is: the node execution, and how many calls that execution made before. Same in every replay. */
export interface ExternSite {
  readonly key: StepKey;
  /** From 0. */
  readonly ordinal: number;
}

/** The registry of host functions. A thrown FlowError passes unchanged; anything else becomes `extern_error`. */
export interface Externs {
  call(ref: string, args: readonly Json[], site: ExternSite): Json;
}

/** One host function. */
export type ExternFunction = (args: readonly Json[], site: ExternSite) => Json;

/** An `extern_error` with its language text. */
export const externError = (ref: string, message: string, cause?: unknown): FlowError =>
  new FlowError("extern_error", `extern error for ref '${ref}': ${message}`, { ref, cause });

/** No registry at all: every call is an `extern_error`. */
export const noExterns: Externs = Object.freeze({
  call(ref: string): Json {
    throw externError(ref, "no externs registry configured");
  },
});

/** A registry over a record of functions; a name that is not an own key is an `extern_error`. */
export const externMap = (functions: Readonly<Record<string, ExternFunction>>): Externs => ({
  call(ref, args, site) {
    const call = Object.hasOwn(functions, ref) ? functions[ref] : undefined;
    if (call === undefined) throw externError(ref, "not registered in externs");
    return call(args, site);
  },
});
