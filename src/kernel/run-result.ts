/** How a run ends. */
import type { FlowError, Json } from "../flow/index.ts";
import type { RunFailure } from "./entry.ts";

/** How a run ended. `ctx` is what the flow had written, also where it did not complete: null then where that is too large. */
export type RunResult =
  | { readonly status: "done"; readonly ctx: Json }
  | { readonly status: "failed"; readonly ctx: Json; readonly error: RunFailure }
  | { readonly status: "cancelled"; readonly ctx: Json; readonly reason: string };

/** A flow error as the run's record keeps it. */
export function runFailure(error: FlowError | undefined): RunFailure {
  if (error === undefined) return { kind: "internal", message: "the flow failed without an error" };
  const details = {
    ...error.details,
    ...(error.nodePath === undefined ? {} : { node: error.nodePath }),
    ...(error.ref === undefined ? {} : { ref: error.ref }),
  };
  return {
    kind: error.kind,
    message: error.message,
    ...(error.key === undefined ? {} : { key: error.key }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}
