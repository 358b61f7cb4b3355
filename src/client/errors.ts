/** ClientError: the one error class of the client. */

/**
 * Codes of the client itself; every other code is that of the layer of the host that refused.
 *
 * - `host_unreachable`: nothing answers there.
 * - `answer_invalid`: what answers there is no host of this kind.
 * - `session_replaced`: another socket of the session took this one's place.
 * - `connection_closed`: the connection was closed from this side.
 */
export type ClientErrorCode = "host_unreachable" | "answer_invalid" | "session_replaced" | "connection_closed";

/** What went wrong between a client and its host. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** A ClientErrorCode, or the code that the host answered with. */
  readonly code: string;
  /** Of the answer, where there was one. */
  readonly status?: number;
  /** Whether the same call may well succeed later: nothing was changed by it, or it changes nothing to make it again. */
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    more: { readonly status?: number; readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    if (more.status !== undefined) this.status = more.status;
    this.retryable = more.retryable ?? false;
  }
}
