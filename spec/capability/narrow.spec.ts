/** Narrowed tokens: made by their holder, proven by the host, never more than what they were made from. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { compactVerify } from "jose";
import { describe, expect, it } from "vitest";
import {
  authorize,
  Capabilities,
  type Grant,
  keyRing,
  LEAF_VERBS,
  MAX_CAVEATS,
  type Narrower,
  narrow,
  readToken,
  type Target,
  VERBS,
  type Verb,
} from "../../src/capability/index.ts";
import { binding, HOUR, NOW, orders, refusal, sampleKey, workerOrder } from "./samples.ts";

const ring = keyRing([sampleKey(1)]);
const capabilities = new Capabilities(ring);
const base = (): string => capabilities.mint(workerOrder, NOW);
const step: Target = { kind: "step", runId: binding.runId, key: binding.key, attempt: binding.attempt };
const state = { attempt: binding, life: "open" } as const;

/** A narrowed token as a stranger would make it, with any caveats. */
function narrowedBy(token: string, base: string, caveats: readonly unknown[]): string {
  const [, , signature = ""] = token.split(".");
  const base64 = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString("base64url");
  const unsigned = `${base64({ alg: "HS256", typ: "swarm-host-narrowed+jwt" })}.${base64({ base, caveats })}`;
  const key = Buffer.from(signature, "base64url");
  return `${unsigned}.${createHmac("sha256", key).update(unsigned).digest("base64url")}`;
}

const baseOf = (token: string): string => token.split(".").slice(0, 2).join(".");

const stepOf = (grant: Grant): Target => {
  const { runId, key, attempt } = grant.binding ?? binding;
  return { kind: "step", runId, key, attempt };
};

/** Everything a grant can be used for, as texts. */
function powers(grant: Grant): Set<string> {
  const targets: readonly Target[] = [
    { kind: "none" },
    { kind: "host" },
    { kind: "run", runId: grant.binding?.runId ?? "R" },
    { kind: "session", sessionId: "S" },
    ...["a", "b", grant.artifact ?? "c"].map((artifact) => ({ ...stepOf(grant), artifact })),
    stepOf(grant),
  ];
  const life = grant.binding && { attempt: grant.binding, life: "open" as const };
  return new Set(
    targets.flatMap((target) =>
      VERBS.filter((verb) => refusal(() => authorize(grant, verb, target, life)) === undefined).map(
        (verb) => `${verb} ${JSON.stringify(target)}`,
      ),
    ),
  );
}

describe("narrowing", () => {
  it("takes away verbs, life and artifacts, step by step", () => {
    const once = narrow(base(), { verbs: ["emit_output", "fetch_prompt"], expiresAt: NOW + HOUR / 2 });
    const twice = narrow(once, { artifact: "report", verbs: ["emit_output"] });
    const grant = capabilities.verify(twice, NOW);
    expect(grant).toMatchObject({ role: "worker", artifact: "report", expiresAt: NOW + HOUR / 2, binding });
    expect([...grant.verbs]).toEqual(["emit_output"]);
    const allowed = (target: Target): unknown => refusal(() => authorize(grant, "emit_output", target, state));
    expect(allowed({ ...step, artifact: "report" })).toBeUndefined();
    expect(allowed({ ...step, artifact: "other" })).toBe("wrong_binding");
    expect(allowed(step)).toBe("wrong_binding");
    expect(refusal(() => capabilities.verify(twice, NOW + HOUR / 2))).toBe("token_expired");
  });

  it("is a JWS whose key is the signature of its base", async () => {
    const token = base();
    const narrowed = narrow(token, { verbs: ["post_result"] });
    const key = Buffer.from(token.split(".")[2] ?? "", "base64url");
    const { payload } = await compactVerify(narrowed, key);
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      base: baseOf(token),
      caveats: [{ verbs: ["post_result"] }],
    });
    expect(narrowedBy(token, baseOf(token), [{ verbs: ["post_result"] }])).toBe(narrowed);
  });

  it("never allows what its base does not", () => {
    const someVerbs = fc.subarray<Verb>([...VERBS]);
    const caveat = fc.record(
      { artifact: fc.constantFrom("a", "b"), exp: fc.nat({ max: (NOW / 1000) * 2 }), verbs: someVerbs },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(orders, fc.array(caveat, { minLength: 1, maxLength: 3 }), (order, caveats) => {
        // By hand, so that nothing `narrow` would refuse is left out.
        let token = capabilities.mint(order, NOW);
        const root = baseOf(token);
        const before = capabilities.verify(token, NOW);
        const sorted = caveats
          .map(({ verbs, ...rest }) => ({ ...rest, ...(verbs === undefined ? {} : { verbs: [...verbs].sort() }) }))
          .filter((each) => Object.keys(each).length > 0);
        sorted.forEach((_, index) => {
          token = narrowedBy(token, root, sorted.slice(0, index + 1));
        });
        try {
          const after = capabilities.verify(token, NOW);
          expect(after.expiresAt).toBeLessThanOrEqual(before.expiresAt ?? 0);
          const had = powers(before);
          expect([...powers(after)].filter((power) => !had.has(power))).toEqual([]);
        } catch (error) {
          expect(error).toMatchObject({ code: "token_expired" });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is refused with any byte changed", () => {
    const token = narrow(narrow(base(), { expiresAt: NOW + HOUR / 2 }), { verbs: ["post_result"] });
    expect(refusal(() => capabilities.verify(token, NOW))).toBeUndefined();
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), fc.integer({ min: 33, max: 126 }), (at, byte) => {
        const changed = token.slice(0, at) + String.fromCharCode(byte) + token.slice(at + 1);
        fc.pre(changed !== token);
        expect(refusal(() => capabilities.verify(changed, NOW))).toBeDefined();
      }),
      { numRuns: 1000 },
    );
  });

  it("cannot be taken back", () => {
    const token = base();
    const once = narrow(token, { verbs: ["post_result"] });
    const [, , signature = ""] = once.split(".");
    const stripped = `${baseOf(token)}.${signature}`;
    expect(refusal(() => capabilities.verify(stripped, NOW))).toBe("token_forged");
    const other = narrowedBy(once, baseOf(token), [{ verbs: [...LEAF_VERBS].sort() }]);
    expect(refusal(() => capabilities.verify(other, NOW))).toBe("token_forged");
    const nested = narrowedBy(once, baseOf(once), [{ exp: 9_999_999_999 }]);
    expect(refusal(() => capabilities.verify(nested, NOW))).toBe("token_malformed");
  });

  it.each<[string, unknown[]]>([
    ["none", []],
    ["an empty one", [{}]],
    ["more than there may be", Array.from({ length: MAX_CAVEATS + 1 }, () => ({ exp: 1 }))],
    ["one nobody knows", [{ exp: 1, run: "R-2" }]],
    ["verbs nobody has", [{ verbs: ["read_everything"] }]],
    ["verbs out of order", [{ verbs: ["post_result", "fetch_data"] }]],
    ["names out of order", [{ verbs: ["post_result"], exp: 1 }]],
    ["an end that is text", [{ exp: "1" }]],
    ["an artifact without a name", [{ artifact: "" }]],
    ["null", [null]],
    ["a list", [[]]],
  ])("with caveats that are %s is malformed", (_what, caveats) => {
    const token = base();
    const narrowed = narrowedBy(token, baseOf(token), caveats);
    expect(refusal(() => capabilities.verify(narrowed, NOW))).toBe("token_malformed");
  });

  it.each<[string, Narrower]>([
    ["nothing", {}],
    ["a verb it does not have", { verbs: ["administer"] }],
    ["no verb at all", { verbs: [] }],
    ["a later end", { expiresAt: NOW + 2 * HOUR }],
    ["an end that is no time", { expiresAt: Number.NaN }],
    ["another artifact", { artifact: "b" }],
    ["an artifact without a name", { artifact: "" }],
  ])("refuses to ask for %s", (_what, narrower) => {
    const token = capabilities.mint({ ...workerOrder, artifact: "a" }, NOW);
    expect(refusal(() => narrow(token, narrower))).toBe("never_widens");
  });

  it("stops at its bound", () => {
    let token = base();
    for (let turn = 1; turn <= MAX_CAVEATS; turn += 1) token = narrow(token, { expiresAt: NOW + HOUR - turn * 1000 });
    expect(capabilities.verify(token, NOW).expiresAt).toBe(NOW + HOUR - MAX_CAVEATS * 1000);
    expect(refusal(() => narrow(token, { expiresAt: NOW + 1000 }))).toBe("never_widens");
  });

  it("does not let a token be re-read as something else", () => {
    expect(readToken(narrow(base(), { artifact: "a" }))).toMatchObject({
      keyId: ring[0].id,
      claims: { role: "worker" },
      caveats: [{ artifact: "a" }],
      effective: { artifact: "a" },
    });
  });
});
