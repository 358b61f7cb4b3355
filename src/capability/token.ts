/**
 * Reading a token: from its text to what it says, proven or not.
 *
 * Owns: what a token as the host made it and a narrowed one have in common.
 */
import { applyCaveats, type Caveat, NARROWED_HEADER, readNarrowing } from "./caveats.ts";
import { type Claims, keyIdOf, readClaims } from "./claims.ts";
import { malformed, signedText, split } from "./compact.ts";

/** What a token says, proven or not. */
export interface TokenContents {
  readonly keyId: string;
  /** Of the token that the host made. */
  readonly claims: Claims;
  /** What its holders took away since; empty for a token as the host made it. */
  readonly caveats: readonly Caveat[];
  /** What is left. */
  readonly effective: Claims;
}

/** A token in its parts. */
export interface ParsedToken extends TokenContents {
  /** `header.payload` of the token that the host made: what its key signs. */
  readonly base: string;
  /** The token's own. Secret: whoever has it has the token. */
  readonly signature: string;
}

/** What a token says. Proves nothing. @throws CapabilityError `token_malformed`. */
export function readToken(token: string): TokenContents {
  const { keyId, claims, caveats, effective } = parseToken(token);
  return { keyId, claims, caveats, effective };
}

/** A token's parts. Proves nothing. @throws CapabilityError `token_malformed`. */
export function parseToken(token: string): ParsedToken {
  const { header, payload, signature } = split(token);
  const { base, caveats } =
    header === NARROWED_HEADER ? readNarrowing(payload) : { base: signedText({ header, payload }), caveats: [] };
  const [baseHeader = "", basePayload = "", ...more] = base.split(".");
  if (more.length > 0) throw malformed("its base is none");
  const keyId = keyIdOf(baseHeader);
  const claims = readClaims(basePayload);
  return { keyId, claims, caveats, effective: applyCaveats(claims, caveats), base, signature };
}
