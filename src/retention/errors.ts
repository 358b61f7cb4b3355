/** The error of retention policies. */

/** Stable codes. `retention_invalid`: a policy that is not what it must be; nothing was removed. */
export type RetentionErrorCode = "retention_invalid";

/** The one error class of retention. */
export class RetentionError extends Error {
  override readonly name = "RetentionError";
  readonly code: RetentionErrorCode = "retention_invalid";

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
  }
}
