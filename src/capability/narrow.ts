/**
 * Narrowing a token, offline: whoever holds a token can hand on less of it.
 *
 * Owns: refusing what would take nothing away, so that nobody hands on a token believing it is weaker. Does not own:
 * what a narrowed token allows (caveats.ts), which the host judges whatever this function refused.
 */
import { type Caveat, MAX_CAVEATS, NARROWED_HEADER, writeNarrowing } from "./caveats.ts";
import { type Claims, isCount, isText, MAX_NAME } from "./claims.ts";
import { join, keyOf, MAX_TOKEN, sign, signedText } from "./compact.ts";
import { CapabilityError } from "./errors.ts";
import { sortedVerbs, type Verb } from "./gate.ts";
import { parseToken } from "./token.ts";

/** What to leave of a token. At least one. */
export interface Narrower {
  /** Only these verbs. */
  readonly verbs?: readonly Verb[];
  /** Not from then on, in milliseconds since 1970; cut to the second. */
  readonly expiresAt?: number;
  /** Nothing but the artifact of this name. */
  readonly artifact?: string;
}

/**
 * A token that allows less. Needs no key.
 * @throws CapabilityError `token_malformed`; `never_widens` where it would take nothing away or give something.
 */
export function narrow(token: string, narrower: Narrower): string {
  const { effective, caveats, base, signature } = parseToken(token);
  const caveat = caveatOf(narrower, effective);
  if (caveats.length === MAX_CAVEATS) throw refused(`it has been narrowed ${MAX_CAVEATS} times, and cannot be again`);
  const narrowed = { header: NARROWED_HEADER, payload: writeNarrowing({ base, caveats: [...caveats, caveat] }) };
  const text = join({ ...narrowed, signature: sign(signedText(narrowed), keyOf(signature)) });
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
