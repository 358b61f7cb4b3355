/**
 * Narrowed tokens: a token its holder has taken something away from, without asking the host.
 *
 * A narrowed token is a compact JWS of its own. Its payload holds the base (header and payload of the token that the host
 * made, not its signature) and the caveats so far; its key is the signature of the token it was made from. The host knows
 * the base's signature, and from it computes all that follow; the holder of a narrowed token cannot go back.
 *
 * N1  A caveat only takes away: verbs are intersected, the earlier end counts, two artifacts are none.
 * N2  There are 1 to 8 caveats, each takes something away, and a payload has one spelling (compact.ts J1).
 */

import type { Claims } from "./claims.ts";
import { isCount, isText, MAX_NAME } from "./claims.ts";
import { decode, encode, keyOf, malformed, NARROWED_TYPE, own, sign, signedText } from "./compact.ts";
import { isSorted, isVerb, type Verb } from "./gate.ts";

/** Most caveats of a token. */
export const MAX_CAVEATS = 8;

/** What is taken away. */
export interface Caveat {
  /** No other verbs; sorted, each once. Empty: none at all. */
  readonly verbs?: readonly Verb[];
  /** Not from then on; seconds since 1970. */
  readonly expiresAt?: number;
  /** Nothing but this artifact. */
  readonly artifact?: string;
}

/** What a narrowed token says. */
export interface Narrowing {
  /** `header.payload` of the token that the host made. */
  readonly base: string;
  /** In the order in which they were added; at least one. */
  readonly caveats: readonly Caveat[];
}

/** The header of narrowed tokens. The key is its base's. */
export const NARROWED_HEADER = encode({ alg: "HS256", typ: NARROWED_TYPE });

/** A narrowing as a payload. */
export function writeNarrowing({ base, caveats }: Narrowing): string {
  return encode({
    base,
    caveats: caveats.map(({ artifact, expiresAt, verbs }) => ({ artifact, exp: expiresAt, verbs })),
  });
}

/** A payload's narrowing. @throws CapabilityError `token_malformed`. */
export function readNarrowing(payload: string): Narrowing {
  const json = decode(payload);
  const base = own(json, "base");
  const list = own(json, "caveats");
  if (typeof base !== "string" || !Array.isArray(list)) throw malformed("its narrowing is none");
  if (list.length < 1 || list.length > MAX_CAVEATS) throw malformed(`it is not narrowed 1 to ${MAX_CAVEATS} times`);
  const narrowing = { base, caveats: list.map(readCaveat) };
  if (writeNarrowing(narrowing) !== payload) throw malformed("its narrowing is not canonical");
  return narrowing;
}

/** The signature of a token whose base has `baseSignature`; without caveats, just that. */
export function narrowedSignature({ base, caveats }: Narrowing, baseSignature: string): string {
  return caveats.reduce((signature, _caveat, index) => {
    const payload = writeNarrowing({ base, caveats: caveats.slice(0, index + 1) });
    return sign(signedText({ header: NARROWED_HEADER, payload }), keyOf(signature));
  }, baseSignature);
}

/** Claims with what the caveats leave of them (N1). Two artifacts leave no verb. */
export function applyCaveats(claims: Claims, caveats: readonly Caveat[]): Claims {
  let { verbs, expiresAt, artifact } = claims;
  for (const caveat of caveats) {
    const torn = caveat.artifact !== undefined && artifact !== undefined && caveat.artifact !== artifact;
    verbs = verbs.filter((verb) => !torn && (caveat.verbs?.includes(verb) ?? true));
    expiresAt = Math.min(expiresAt, caveat.expiresAt ?? expiresAt);
    artifact ??= caveat.artifact;
  }
  return { ...claims, verbs, expiresAt, ...(artifact === undefined ? {} : { artifact }) };
}

function readCaveat(value: unknown): Caveat {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("a caveat is no object");
  const json = value as Readonly<Record<string, unknown>>;
  const [verbs, expiresAt, artifact] = [own(json, "verbs"), own(json, "exp"), own(json, "artifact")];
  if (verbs !== undefined && !areVerbs(verbs)) throw malformed("a caveat's verbs are none");
  if (expiresAt !== undefined && !isCount(expiresAt, 0)) throw malformed("a caveat's end is no time");
  if (artifact !== undefined && !isText(artifact, MAX_NAME)) throw malformed("a caveat's artifact is no name");
  if (verbs === undefined && expiresAt === undefined && artifact === undefined) throw malformed("a caveat is empty");
  return {
    ...(verbs === undefined ? {} : { verbs }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(artifact === undefined ? {} : { artifact }),
  };
}

function areVerbs(value: unknown): value is readonly Verb[] {
  return Array.isArray(value) && value.every(isVerb) && isSorted(value);
}
