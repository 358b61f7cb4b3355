/** CapabilityError: the one error class of this layer. No message holds a token, a handle, a signature or a key. */

/**
 * Stable codes.
 * - `token_malformed`: not a token of ours: wrong form, wrong type or algorithm, claims that are not canonical, too long.
 * - `token_forged`: the signature is not that of the key it names.
 * - `token_key_unknown`: signed with a key that this host does not have, or has rotated away.
 * - `token_expired`: its time is over.
 * - `token_revoked`: what it was made out for has ended.
 * - `verb_denied`: its role, or what it was narrowed to, does not allow the verb.
 * - `wrong_binding`: it was made out for another step, run, session or artifact.
 * - `wrong_fence`: it was made out under an older fence than the attempt's.
 * - `seat_moved`: the seat it was made out for has moved on.
 * - `grant_invalid`: a token was ordered that no role can have, or that nothing can sign.
 * - `never_widens`: a narrowing, or a re-mint, asked for more than there was.
 * - `keys_invalid`: keys that cannot sign: none, too many, too short, or two of one id.
 */
export type CapabilityErrorCode =
  | "token_malformed"
  | "token_forged"
  | "token_key_unknown"
  | "token_expired"
  | "token_revoked"
  | "verb_denied"
  | "wrong_binding"
  | "wrong_fence"
  | "seat_moved"
  | "grant_invalid"
  | "never_widens"
  | "keys_invalid";

/** Any refusal of this layer. */
export class CapabilityError extends Error {
  override readonly name = "CapabilityError";
  readonly code: CapabilityErrorCode;

  constructor(code: CapabilityErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
