/** Keys, orders and arbitraries that the specs of capabilities share. */
import fc from "fast-check";
import {
  type Binding,
  CapabilityError,
  type CapabilityErrorCode,
  GATE,
  LEAF_VERBS,
  newKey,
  ROLES,
  type SigningKey,
  type TokenOrder,
  type Verb,
} from "../../src/capability/index.ts";

/** 2026-11-21 12:00:00Z, in milliseconds. */
export const NOW = Date.UTC(2026, 10, 21, 12);
export const HOUR = 3_600_000;

/** A key whose bytes are all `fill`. */
export function sampleKey(fill: number): SigningKey {
  return newKey((bytes) => new Uint8Array(bytes).fill(fill), NOW);
}

export const binding: Binding = { runId: "R-1", key: "2.~3.0.@1", attempt: 1, fence: 4, generation: 2 };

export const workerOrder: TokenOrder = { role: "worker", subject: "ST-1", binding, expiresAt: NOW + HOUR };

/** The code of the CapabilityError that `work` throws; undefined where it throws none. */
export function refusal(work: () => unknown): CapabilityErrorCode | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof CapabilityError) return error.code;
    throw error;
  }
}

const name = fc.string({ minLength: 1, maxLength: 30, unit: "binary" }).filter((text) => text.isWellFormed());

const bindings: fc.Arbitrary<Binding> = fc.record(
  { runId: name, key: name, attempt: fc.integer({ min: 1 }), fence: fc.nat(), generation: fc.nat() },
  { requiredKeys: ["runId", "key", "attempt", "fence"] },
);

/** Tokens that can be made. */
export const orders: fc.Arbitrary<TokenOrder> = fc.constantFrom(...ROLES).chain((role) =>
  fc.record(
    {
      role: fc.constant(role),
      subject: name,
      verbs: fc.subarray<Verb>(role === "worker" ? [...LEAF_VERBS] : [...GATE[role]], { minLength: 1 }),
      expiresAt: fc.integer({ min: NOW + 2000, max: NOW + 48 * HOUR }),
      ...(role === "worker" ? { binding: bindings, artifact: name } : {}),
    },
    { requiredKeys: ["role", "subject", "expiresAt", ...(role === "worker" ? (["binding"] as const) : [])] },
  ),
) as fc.Arbitrary<TokenOrder>;
