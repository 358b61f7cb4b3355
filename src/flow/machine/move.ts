/**
 * Moves: what the thread of a scope does next. Every node kind's file answers with one; run.ts makes them.
 */
import type { FlowError } from "../error.ts";
import type { Frame, Scope } from "./frame.ts";
import type { Operation } from "./operation.ts";

/** What comes next. */
export type Move =
  /** Enter a node below `parent`, or directly in the scope. */
  | { readonly to: "enter"; readonly operation: Operation; readonly parent: Frame | undefined; readonly scope: Scope }
  /** A node below `parent` is done. */
  | { readonly to: "done"; readonly parent: Frame | undefined; readonly scope: Scope }
  /** A node below `parent` failed. */
  | { readonly to: "fail"; readonly parent: Frame | undefined; readonly scope: Scope; readonly error: FlowError }
  /** The thread waits; another may have lanes to start. */
  | { readonly to: "wait" };

/** The thread waits. */
export const WAIT: Move = Object.freeze({ to: "wait" });

/** Enter a node. */
export const enter = (operation: Operation, parent: Frame | undefined, scope: Scope): Move => ({
  to: "enter",
  operation,
  parent,
  scope,
});

/** A node is done. */
export const done = (parent: Frame | undefined, scope: Scope): Move => ({ to: "done", parent, scope });

/** A node failed. */
export const fail = (parent: Frame | undefined, scope: Scope, error: FlowError): Move => ({
  to: "fail",
  parent,
  scope,
  error,
});
