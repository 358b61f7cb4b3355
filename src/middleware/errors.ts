/** MiddlewareError: the one error class of this layer. */

/**
 * Stable codes.
 * - `next_called_twice`: a layer dispatched one call twice. A defect of the layer: to try again is the engine's business.
 * - `step_meta`: a step's `$step_meta` envelope is malformed or names a context that does not exist.
 */
export type MiddlewareErrorCode = "next_called_twice" | "step_meta";

/** Any failure of this layer. */
export class MiddlewareError extends Error {
  override readonly name = "MiddlewareError";
  readonly code: MiddlewareErrorCode;

  constructor(code: MiddlewareErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
