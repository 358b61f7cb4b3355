/**
 * Compact JWS, HS256: segments and signatures, with node:crypto because every request of a worker passes here.
 *
 * Owns: the form of a token. Does not own: what is in it (claims.ts, caveats.ts).
 *
 * J1  A segment has one spelling: what decodes to the same bytes but reads differently is refused.
 * J2  A header is compared, not interpreted: there is one for each type of token, so nobody chooses an algorithm.
 * J3  Signatures are compared in constant time.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { CapabilityError } from "./errors.ts";

/** Most characters of a token: what a header of a request comfortably holds. */
export const MAX_TOKEN = 4096;

/** `typ` of a token that the host made. */
export const TOKEN_TYPE = "swarm-host+jwt";
/** `typ` of a token that its holder narrowed. */
export const NARROWED_TYPE = "swarm-host-narrowed+jwt";

/** A token's segments, as they are written. */
export interface Segments {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

/** SHA-256 in base64url without padding. */
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/u;

/** A text's segments. @throws CapabilityError `token_malformed`. */
export function split(token: string): Segments {
  if (token.length > MAX_TOKEN) throw malformed(`it is longer than ${MAX_TOKEN} characters`);
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  if (header === "" || payload === "" || !SIGNATURE.test(signature) || more.length > 0) {
    throw malformed("it is no compact JWS");
  }
  return { header, payload, signature };
}

/** What is signed. */
export function signedText({ header, payload }: Pick<Segments, "header" | "payload">): string {
  return `${header}.${payload}`;
}

/** The whole token. */
export function join({ header, payload, signature }: Segments): string {
  return `${header}.${payload}.${signature}`;
}

/** The signature of a text, in base64url. */
export function sign(text: string, key: KeyObject): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** A signature as the key of what is narrowed from it. */
export function keyOf(signature: string): KeyObject {
  return createSecretKey(signature, "base64url");
}

/** Whether two signatures, or digests, of the same kind are the same (J3). */
export function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** JSON as a segment. */
export function encode(json: unknown): string {
  return Buffer.from(JSON.stringify(json), "utf8").toString("base64url");
}

/** A segment's JSON; whoever asks holds what it makes of it against the segment (J1). @throws CapabilityError `token_malformed`. */
export function decode(segment: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));
  } catch {
    // The parser's message would quote the token.
    throw malformed("a part of it is no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("a part of it is no object");
  return value as Readonly<Record<string, unknown>>;
}

/** A field of decoded JSON, its own. */
export function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** `token_malformed`. */
export function malformed(why: string): CapabilityError {
  return new CapabilityError("token_malformed", `this is no token of a swarm-host: ${why}`);
}
