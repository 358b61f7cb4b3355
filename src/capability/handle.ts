/**
 * Worker handles: 128 bits that stand in for a token where a model has to copy it.
 *
 * H1  A handle is derived from a key and the attempt, so the same delivery names the same one; who keeps it keeps its digest.
 * H2  What is signed for a handle holds a NUL, which no JWS does: neither can be taken for the other.
 */
import { createHmac, hash } from "node:crypto";
import type { Binding } from "./grant.ts";
import type { SigningKey } from "./keys.ts";

/** A handle and what is kept of it. */
export interface WorkerHandle {
  /** `wh-` and 32 hex digits. Secret. */
  readonly handle: string;
  /** SHA-256 of it, in hex. */
  readonly digest: string;
}

/** The handle of an attempt under a key. */
export function deriveHandle({ secret }: SigningKey, binding: Binding): WorkerHandle {
  const { runId, key, attempt, fence, generation = null } = binding;
  const scope = JSON.stringify([runId, key, attempt, fence, generation]);
  const bits = createHmac("sha256", secret).update(`swarm-host handle\0${scope}`).digest("hex").slice(0, 32);
  const handle = `wh-${bits}`;
  return { handle, digest: handleDigest(handle) };
}

/** What is kept of a handle: SHA-256, in hex. */
export function handleDigest(handle: string): string {
  return hash("sha256", handle);
}

/** Whether a text has the form of a handle. */
export function isHandle(text: string): boolean {
  return /^wh-[0-9a-f]{32}$/u.test(text);
}
