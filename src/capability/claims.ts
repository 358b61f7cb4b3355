/**
 * The claims of a token, and their one canonical text.
 *
 * C1  Fields are written in order of their names, each once, absent ones not at all: a payload that would be written
 *     differently is refused, and with it duplicate and unknown claims.
 * C2  Times are whole seconds, as JWT has them; a life is cut to the second, never lengthened.
 */
import { decode, encode, malformed, own, TOKEN_TYPE } from "./compact.ts";
import { CapabilityError } from "./errors.ts";
import { GATE, isRole, isSorted, isVerb, type Role, type Verb } from "./gate.ts";
import type { Binding } from "./grant.ts";
import { isKeyId } from "./keys.ts";

/** Most characters of a subject, an artifact's name, a run's id. */
export const MAX_NAME = 200;
/** Most characters of a step key. */
export const MAX_STEP_KEY = 1000;

/** What a token says. */
export interface Claims {
  readonly subject: string;
  readonly role: Role;
  /** Sorted, each once, at least one. */
  readonly verbs: readonly Verb[];
  /** Of workers, always; of others, never. */
  readonly binding?: Binding;
  readonly artifact?: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** The header of tokens that a key signs. */
export function headerOf(keyId: string): string {
  return encode({ alg: "HS256", kid: keyId, typ: TOKEN_TYPE });
}

/** The key that a header names. @throws CapabilityError `token_malformed`. */
export function keyIdOf(header: string): string {
  const keyId = own(decode(header), "kid");
  if (!isKeyId(keyId) || headerOf(keyId) !== header) throw malformed("its header is not one of ours");
  return keyId;
}

/** Claims as a payload. @throws CapabilityError `grant_invalid` for claims that no token can have. */
export function writeClaims(claims: Claims): string {
  const denied = claims.verbs.find((verb) => !GATE[claims.role].has(verb));
  const wrong = defectOf(claims) ?? (denied && `the role ${claims.role} may not ${denied}`);
  if (wrong !== undefined) throw new CapabilityError("grant_invalid", `no token can be made out: ${wrong}`);
  return payloadOf(claims);
}

/** A payload's claims. Verbs that the role does not have are left to the gate (gate.ts G1). @throws CapabilityError `token_malformed`. */
export function readClaims(payload: string): Claims {
  const json = decode(payload);
  const binding =
    own(json, "run") === undefined
      ? {}
      : {
          binding: {
            runId: own(json, "run"),
            key: own(json, "key"),
            attempt: own(json, "attempt"),
            fence: own(json, "fence"),
            ...present("generation", own(json, "generation")),
          } as Binding,
        };
  const claims = {
    subject: own(json, "sub"),
    role: own(json, "role"),
    verbs: own(json, "verbs"),
    ...binding,
    ...present("artifact", own(json, "artifact")),
    issuedAt: own(json, "iat"),
    expiresAt: own(json, "exp"),
  } as Claims;
  const wrong = defectOf(claims);
  if (wrong !== undefined) throw malformed(wrong);
  if (payloadOf(claims) !== payload) throw malformed("its claims are not canonical");
  return claims;
}

/** C1: names in order. */
function payloadOf({ subject, role, verbs, binding, artifact, issuedAt, expiresAt }: Claims): string {
  return encode({
    artifact,
    attempt: binding?.attempt,
    exp: expiresAt,
    fence: binding?.fence,
    generation: binding?.generation,
    iat: issuedAt,
    key: binding?.key,
    role,
    run: binding?.runId,
    sub: subject,
    verbs,
  });
}

/** What is wrong with claims whose types nothing vouches for yet. */
function defectOf(claims: Claims): string | undefined {
  const { subject, role, verbs, binding, artifact, issuedAt, expiresAt } = claims;
  if (!isText(subject, MAX_NAME)) return `its subject is no text of 1 to ${MAX_NAME} characters`;
  if (!isRole(role)) return "its role is none";
  if (!Array.isArray(verbs) || verbs.length === 0 || !verbs.every(isVerb)) return "its verbs are none";
  if (!isSorted(verbs)) return "its verbs are not in order";
  if ((role === "worker") !== (binding !== undefined)) return "workers' tokens, and only those, are bound to a step";
  if (binding !== undefined && !isBinding(binding)) return "its binding names no attempt";
  if (artifact !== undefined && !isText(artifact, MAX_NAME)) return "its artifact is no name";
  if (artifact !== undefined && role !== "worker") return "only workers' tokens can be for one artifact";
  if (!isCount(issuedAt, 0) || !isCount(expiresAt, 0)) return "its times are no whole seconds";
  return undefined;
}

function isBinding({ runId, key, attempt, fence, generation }: Binding): boolean {
  return (
    isText(runId, MAX_NAME) &&
    isText(key, MAX_STEP_KEY) &&
    isCount(attempt, 1) &&
    isCount(fence, 0) &&
    (generation === undefined || isCount(generation, 0))
  );
}

/** Whether a value is a text of 1 to `most` characters that UTF-8 can express. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= most && value.isWellFormed();
}

/** Whether a value is a whole number, `least` or more. */
export function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && !Object.is(value, -0);
}

function present(name: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [name]: value };
}
