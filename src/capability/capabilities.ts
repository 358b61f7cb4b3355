/**
 * The host's side of tokens: makes them, proves them, renews them.
 *
 * Owns: the keys in use and what was proven lately. Does not own: whether what a token is bound to still lives; that is
 * looked up at each use (sources.ts) and judged by `authorize`.
 *
 * V1  Order of proof: form, key, signature, expiry; then, by `authorize`: gate, binding, life, fence, generation.
 * V2  A token is expired from the second it names on: there is no leeway, one host has one clock.
 * V3  What was proven, or made here, is remembered by the token's digest, never by the token, and only as long as its key
 *     lives.
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { narrowedSignature } from "./caveats.ts";
import { type Claims, headerOf, writeClaims } from "./claims.ts";
import { join, same, sign, signedText } from "./compact.ts";
import { CapabilityError } from "./errors.ts";
import { GATE, LEAF_VERBS, type Role, sortedVerbs, type Verb } from "./gate.ts";
import type { Binding, Grant } from "./grant.ts";
import { deriveHandle, type WorkerHandle } from "./handle.ts";
import { type KeyRing, keyRing } from "./keys.ts";
import { parseToken, type TokenContents } from "./token.ts";

/** The longest life of a token, in milliseconds: 366 days. */
export const MAX_LIFE_MS = 366 * 24 * 60 * 60 * 1000;

/** Tokens that are remembered. */
const REMEMBERED = 10_000;

/** A token to make. */
export interface TokenOrder {
  readonly role: Role;
  /** Who it is for, for people: 1 to 200 characters. */
  readonly subject: string;
  /** Default: all that the role has; for a worker, what it needs for its own step. */
  readonly verbs?: readonly Verb[];
  /** For workers, and only for them. */
  readonly binding?: Binding;
  /** Only this artifact; for workers. */
  readonly artifact?: string;
  /** Milliseconds since 1970; cut to the second. */
  readonly expiresAt: number;
}

/** Makes and proves tokens. */
export class Capabilities {
  #keys: KeyRing;
  readonly #proven = new LRUCache<string, Grant>({ max: REMEMBERED });

  constructor(keys: KeyRing) {
    this.#keys = keyRing(keys);
  }

  /** Ids of the keys, the one that signs first. */
  get keyIds(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** Signs and proves with these keys from now on. */
  useKeys(keys: KeyRing): void {
    this.#keys = keyRing(keys);
    this.#proven.clear();
  }

  /** A new token. @throws CapabilityError `grant_invalid`. */
  mint({ role, subject, verbs, binding, artifact, expiresAt }: TokenOrder, now: number): string {
    if (expiresAt <= now) throw new CapabilityError("grant_invalid", "a token cannot end before it begins");
    if (!(expiresAt - now <= MAX_LIFE_MS)) {
      throw new CapabilityError("grant_invalid", `a token lives ${MAX_LIFE_MS / 86_400_000} days at most`);
    }
    const claims: Claims = {
      subject,
      role,
      verbs: sortedVerbs(verbs ?? (role === "worker" ? LEAF_VERBS : GATE[role])),
      ...(binding === undefined ? {} : { binding }),
      ...(artifact === undefined ? {} : { artifact }),
      issuedAt: Math.floor(now / 1000),
      expiresAt: Math.floor(expiresAt / 1000),
    };
    const [key] = this.#keys;
    const unsigned = { header: headerOf(key.id), payload: writeClaims(claims) };
    const token = join({ ...unsigned, signature: sign(signedText(unsigned), key.secret) });
    this.#proven.set(digestOf(token), grantOf(key.id, claims));
    return token;
  }

  /**
   * What a token allows, once it is proven (V1).
   * @throws CapabilityError `token_malformed`, `token_key_unknown`, `token_forged`, `token_expired`.
   */
  verify(token: string, now: number): Grant {
    const digest = digestOf(token);
    const known = this.#proven.get(digest);
    const grant = known ?? this.#grantOf(token);
    if (now >= (grant.expiresAt ?? 0)) {
      this.#proven.delete(digest);
      throw new CapabilityError("token_expired", "the token's time is over");
    }
    if (known === undefined) this.#proven.set(digest, grant);
    return grant;
  }

  /**
   * A worker's token with a later end and nothing else changed; whoever asks has made sure that its attempt is open. Takes
   * one that has expired. Not one that was narrowed: its holder was given that end on purpose.
   * @throws CapabilityError as `verify`, but for expiry; `never_widens`, `grant_invalid`.
   */
  remint(token: string, expiresAt: number, now: number): string {
    const { claims, caveats } = this.#prove(token);
    const { role, subject, verbs, binding, artifact } = claims;
    if (role !== "worker") throw new CapabilityError("never_widens", "only a worker's token is made out again");
    if (caveats.length > 0) throw new CapabilityError("never_widens", "a narrowed token is not made out again");
    return this.mint(
      {
        role,
        subject,
        verbs,
        ...(binding === undefined ? {} : { binding }),
        ...(artifact === undefined ? {} : { artifact }),
        expiresAt: Math.max(expiresAt, claims.expiresAt * 1000),
      },
      now,
    );
  }

  /** The handle of an attempt, made with the key that signs. */
  handle(binding: Binding): WorkerHandle {
    return deriveHandle(this.#keys[0], binding);
  }

  /** The handle that was made for an attempt and kept as `digest`; undefined once its key is gone. */
  handleOf(binding: Binding, digest: string): WorkerHandle | undefined {
    return this.#keys.map((key) => deriveHandle(key, binding)).find((made) => same(made.digest, digest));
  }

  #grantOf(token: string): Grant {
    const { keyId, effective } = this.#prove(token);
    return grantOf(keyId, effective);
  }

  #prove(token: string): TokenContents {
    const contents = parseToken(token);
    const key = this.#keys.find(({ id }) => id === contents.keyId);
    if (key === undefined) {
      throw new CapabilityError(
        "token_key_unknown",
        `the token is signed with the key ${contents.keyId}, which this host does not have or has rotated away`,
      );
    }
    if (!same(narrowedSignature(contents, sign(contents.base, key.secret)), contents.signature)) {
      throw new CapabilityError("token_forged", "the token's signature is wrong");
    }
    return contents;
  }
}

function digestOf(token: string): string {
  return hash("sha256", token, "base64url");
}

function grantOf(keyId: string, claims: Claims): Grant {
  const { role, subject, verbs, binding, artifact, expiresAt } = claims;
  return {
    role,
    subject,
    verbs: new Set(verbs),
    ...(binding === undefined ? {} : { binding }),
    ...(artifact === undefined ? {} : { artifact }),
    expiresAt: expiresAt * 1000,
    keyId,
  };
}
