/** What only the door answers: the status of every code. */
export const REFUSALS: Readonly<Record<string, number>> = {
  unauthorized: 401,
  token_malformed: 401,
  token_forged: 401,
  token_key_unknown: 401,
  token_expired: 401,
  verb_denied: 403,
  wrong_binding: 403,
  wrong_fence: 409,
  seat_moved: 409,
  token_revoked: 410,
};
