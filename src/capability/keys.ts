/**
 * The keys of a host: the newest signs, all verify.
 *
 * Owns: what a key ring is and how it rotates. Does not own: where it is kept.
 *
 * K1  At most two keys live: rotating twice ends every token there is.
 * K2  A key's id says nothing about the key.
 */
import { createSecretKey, type KeyObject } from "node:crypto";
import { CapabilityError } from "./errors.ts";

/** Most keys that are alive at once. */
export const MAX_KEYS = 2;
/** Bytes of a key. */
export const KEY_BYTES = 32;

/** A key as it is kept. */
export interface SigningKey {
  /** `k-` and 16 hex digits: the `kid` of tokens. */
  readonly id: string;
  readonly secret: KeyObject;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Keys, newest first. */
export type KeyRing = readonly [SigningKey, ...SigningKey[]];

/** A key of random bytes: `random` gives as many as it is asked for. */
export function newKey(random: (bytes: number) => Uint8Array, createdAt: number): SigningKey {
  const id = `k-${Buffer.from(random(8)).toString("hex")}`;
  return { id, secret: createSecretKey(random(KEY_BYTES)), createdAt };
}

/** The ring with a new key that signs from now on; the one that signed so far still verifies. */
export function rotated([newest]: KeyRing, key: SigningKey): KeyRing {
  return keyRing([key, newest]);
}

/** A ring of these keys, newest first. @throws CapabilityError `keys_invalid`. */
export function keyRing(keys: readonly SigningKey[]): KeyRing {
  const [newest, ...older] = keys;
  if (newest === undefined) throw new CapabilityError("keys_invalid", "there is no key");
  if (keys.length > MAX_KEYS) throw new CapabilityError("keys_invalid", `there are more than ${MAX_KEYS} keys`);
  for (const { id, secret } of keys) {
    if (!isKeyId(id)) throw new CapabilityError("keys_invalid", "a key's id is not `k-` and 16 hex digits");
    if (secret.type !== "secret" || secret.symmetricKeySize !== KEY_BYTES) {
      throw new CapabilityError("keys_invalid", `the key ${id} does not have ${KEY_BYTES} bytes`);
    }
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length) {
    throw new CapabilityError("keys_invalid", "two keys have one id");
  }
  return [newest, ...older];
}

/** Whether a text is the id of a key. */
export function isKeyId(text: unknown): text is string {
  return typeof text === "string" && /^k-[0-9a-f]{16}$/u.test(text);
}
