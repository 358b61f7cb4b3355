/**
 * Narrowing a token, offline: whoever holds a token can hand on less of it.
 *
 * Owns: refusing what would take nothing away, so that nobody hands on a token believing it is weaker. Does not own:
 * what a narrowed token allows (caveats.ts), which the host judges whatever this function refused.
 */
import {
  applyCaveats,
  type Caveat,
  MAX_CAVEATS,
  NARROWED_HEADER,
  type Narrowing,
  readNarrowing,
  writeNarrowing,
} from "./caveats.ts";
import { type Claims, isCount, isText, keyIdOf, MAX_NAME, readClaims } from "./claims.ts";
import { join, MAX_TOKEN, malformed, sign, signedText, split } from "./compact.ts";
import { CapabilityError } from "./errors.ts";
import { sortedVerbs, type Verb } from "./gate.ts";

/** What to leave of a token. At least one. */
export interface Narrower {
  /** Only these verbs. */
  readonly verbs?: readonly Verb[];
  /** Not from then on, in milliseconds since 1970; cut to the second. */
  readonly expiresAt?: number;
  /** Nothing but the artifact of this name. */
  readonly artifact?: string;
}

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

/** What a token says. Proves nothing. @throws CapabilityError `token_malformed`. */
export function readToken(token: string): TokenContents {
  const { header, payload } = split(token);
  const narrowing = header === NARROWED_HEADER ? readNarrowing(payload) : undefined;
  const [baseHeader = "", basePayload = "", ...more] = narrowing?.base.split(".") ?? [header, payload];
  if (more.length > 0) throw malformed("its base is none");
  const keyId = keyIdOf(baseHeader);
  const claims = readClaims(basePayload);
  const caveats = narrowing?.caveats ?? [];
  return { keyId, claims, caveats, effective: applyCaveats(claims, caveats) };
}

/**
 * A token that allows less. Needs no key.
 * @throws CapabilityError `token_malformed`; `never_widens` where it would take nothing away or give something.
 */
export function narrow(token: string, narrower: Narrower): string {
  const { effective, caveats } = readToken(token);
  const caveat = caveatOf(narrower, effective);
  if (caveats.length === MAX_CAVEATS) throw refused(`it has been narrowed ${MAX_CAVEATS} times, and cannot be again`);
  const { header, payload, signature } = split(token);
  const base = caveats.length === 0 ? signedText({ header, payload }) : readNarrowing(payload).base;
  const narrowing: Narrowing = { base, caveats: [...caveats, caveat] };
  const narrowed = { header: NARROWED_HEADER, payload: writeNarrowing(narrowing) };
  const text = join({ ...narrowed, signature: sign(signedText(narrowed), Buffer.from(signature, "base64url")) });
  if (text.length > MAX_TOKEN) throw refused("it would be too long");
  return text;
}

function caveatOf({ verbs, expiresAt, artifact }: Narrower, left: Claims): Caveat {
  if (verbs === undefined && expiresAt === undefined && artifact === undefined) throw refused("nothing is taken away");
  const wider = verbs?.find((verb) => !left.verbs.includes(verb));
  if (wider !== undefined) throw refused(`it does not have ${wider}`);
  if (verbs?.length === 0) throw refused("no verb would be left");
  const end = expiresAt === undefined ? undefined : Math.floor(expiresAt / 1000);
  if (end !== undefined && !isCount(end, 0)) throw refused("that end is no time");
  if (end !== undefined && end > left.expiresAt) throw refused("it ends earlier than that");
  if (artifact !== undefined && left.role !== "worker") throw refused("only a worker's token can be for one artifact");
  if (artifact !== undefined && !isText(artifact, MAX_NAME)) throw refused("that artifact is no name");
  if (artifact !== undefined && left.artifact !== undefined && left.artifact !== artifact) {
    throw refused("it is for another artifact");
  }
  return {
    ...(verbs === undefined ? {} : { verbs: sortedVerbs(verbs) }),
    ...(end === undefined ? {} : { expiresAt: end }),
    ...(artifact === undefined ? {} : { artifact }),
  };
}

function refused(why: string): CapabilityError {
  return new CapabilityError("never_widens", `the token cannot be narrowed so: ${why}`);
}
