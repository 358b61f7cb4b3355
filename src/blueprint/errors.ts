/**
 * BlueprintError: the one error class of this layer, and its codes.
 *
 * What is wrong with a *document* is a diagnostic and is returned; an error is thrown where a caller asked for a result
 * that cannot be had.
 */
import type { JsonObject } from "../flow/index.ts";
import { type Diagnostic, formatDiagnostic } from "./diagnostic.ts";

/**
 * What went wrong, stable across releases.
 *
 * | code                     | meaning                                                                     |
 * |--------------------------|-----------------------------------------------------------------------------|
 * | `blueprint_invalid`      | the document has errors; `diagnostics` lists them all                       |
 * | `not_canonical`          | a value that canonical JSON cannot express: no JSON, or nested too deeply   |
 * | `template_value_missing` | a placeholder of a subprocess template has no value at run time             |
 * | `agents_unreadable`      | a directory of agent.md files cannot be listed                              |
 */
export type BlueprintErrorCode = "blueprint_invalid" | "not_canonical" | "template_value_missing" | "agents_unreadable";

/** Any failure of this layer. `message` names the thing and the way out; `code` is for programs. */
export class BlueprintError extends Error {
  override readonly name = "BlueprintError";
  readonly code: BlueprintErrorCode;
  /** Every finding, in document order; empty unless `code` is `blueprint_invalid`. */
  readonly diagnostics: readonly Diagnostic[];
  readonly details?: JsonObject;

  constructor(
    code: BlueprintErrorCode,
    message: string,
    more: {
      readonly diagnostics?: readonly Diagnostic[];
      readonly details?: JsonObject;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.diagnostics = more.diagnostics ?? [];
    if (more.details !== undefined) this.details = more.details;
  }
}

/** A `blueprint_invalid` whose message is the first error's line and the number of further ones. */
export function invalidBlueprint(diagnostics: readonly Diagnostic[]): BlueprintError {
  const errors = diagnostics.filter((diagnostic) => diagnostic.level === "error");
  const first = errors[0];
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const message = first === undefined ? "the Blueprint is invalid" : `${formatDiagnostic(first)}${rest}`;
  return new BlueprintError("blueprint_invalid", message, { diagnostics });
}
