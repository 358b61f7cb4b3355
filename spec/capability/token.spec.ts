/** Tokens: what is made is proven, and nothing else is. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { jwtVerify, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import {
  authorize,
  Capabilities,
  GATE,
  keyRing,
  LEAF_VERBS,
  MAX_LIFE_MS,
  MAX_TOKEN,
  narrow,
  rotated,
  type TokenOrder,
  type Verb,
} from "../../src/capability/index.ts";
import { binding, HOUR, NOW, orders, refusal, sampleKey, workerOrder } from "./samples.ts";

const key = sampleKey(1);
const fresh = (): Capabilities => new Capabilities(keyRing([key]));

/** A JWS over any header and payload, signed with the key. */
function forge(header: unknown, payload: unknown): string {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return signed(JSON.stringify(header), text);
}

function signed(header: string, payload: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64url");
  const unsigned = `${base64(header)}.${base64(payload)}`;
  return `${unsigned}.${createHmac("sha256", key.secret).update(unsigned).digest("base64url")}`;
}

const header = { alg: "HS256", kid: key.id, typ: "swarm-host+jwt" };
const claims = {
  exp: NOW / 1000 + 60,
  iat: NOW / 1000,
  role: "observer",
  sub: "eve",
  verbs: ["read_task_state", "read_trace"],
};

describe("a token", () => {
  it("says what was ordered, whatever that was", () => {
    fc.assert(
      fc.property(orders, (order) => {
        const capabilities = fresh();
        const token = capabilities.mint(order, NOW);
        const grant = capabilities.verify(token, NOW);
        expect({ ...grant, verbs: [...grant.verbs] }).toEqual({
          role: order.role,
          subject: order.subject,
          verbs: [...(order.verbs ?? (order.role === "worker" ? LEAF_VERBS : GATE[order.role]))].sort(),
          ...(order.binding === undefined ? {} : { binding: order.binding }),
          ...(order.artifact === undefined ? {} : { artifact: order.artifact }),
          expiresAt: Math.floor(order.expiresAt / 1000) * 1000,
          keyId: key.id,
        });
        expect(capabilities.verify(token, NOW)).toBe(grant);
        expect(fresh().verify(token, NOW)).toEqual(grant);
      }),
    );
  });

  it("is refused with any one byte changed, taken away or added", () => {
    const token = fresh().mint(workerOrder, NOW);
    const capabilities = fresh();
    capabilities.verify(token, NOW);
    const bytes = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.nat({ max: token.length - 1 }), bytes, (at, byte) => {
        const other = String.fromCharCode(byte);
        const changed = [
          token.slice(0, at) + other + token.slice(at + 1),
          token.slice(0, at) + token.slice(at + 1),
          token.slice(0, at) + other + token.slice(at),
        ];
        for (const text of changed.filter((text) => text !== token)) {
          expect(refusal(() => capabilities.verify(text, NOW))).toMatch(/^token_(malformed|forged|key_unknown)$/u);
        }
      }),
      { numRuns: 2000 },
    );
    // Every position once: the last characters of base64 are where spellings differ.
    for (let at = 0; at < token.length; at += 1) {
      for (const other of ["A", "B", "_", "="]) {
        const text = token.slice(0, at) + other + token.slice(at + 1);
        if (text !== token) expect(refusal(() => capabilities.verify(text, NOW))).toBeDefined();
      }
    }
  });

  it("ends at its second, without leeway, also when it was proven before", () => {
    const capabilities = fresh();
    const token = capabilities.mint({ ...workerOrder, expiresAt: NOW + 1999 }, NOW);
    expect(refusal(() => capabilities.verify(token, NOW + 999))).toBeUndefined();
    for (const late of [NOW + 1000, NOW + 1999, NOW + HOUR]) {
      expect(refusal(() => capabilities.verify(token, late))).toBe("token_expired");
      expect(refusal(() => fresh().verify(token, late))).toBe("token_expired");
    }
  });

  it("is a JWS that jose takes, and takes what jose made", async () => {
    const capabilities = fresh();
    const options = { currentDate: new Date(NOW), algorithms: ["HS256"], typ: "swarm-host+jwt" };
    const proven = await jwtVerify(capabilities.mint(workerOrder, NOW), key.secret, options);
    expect(proven.payload).toMatchObject({ sub: "ST-1", role: "worker", run: "R-1", fence: 4, generation: 2 });
    const made = await new SignJWT(claims).setProtectedHeader(header).sign(key.secret);
    expect(capabilities.verify(made, NOW)).toMatchObject({ role: "observer", subject: "eve", keyId: key.id });
  });

  it.each<[string, { readonly [Name in keyof TokenOrder]?: TokenOrder[Name] | undefined }]>([
    ["a verb its role does not have", { role: "observer", binding: undefined, verbs: ["cancel_task"] }],
    ["upkeep of the host", { role: "operator", binding: undefined, verbs: ["administer"] }],
    ["no verb", { verbs: [] }],
    ["a worker without a step", { binding: undefined }],
    ["a step for an observer", { role: "observer" }],
    ["an artifact for an observer", { role: "observer", binding: undefined, artifact: "a" }],
    ["attempt 0", { binding: { ...binding, attempt: 0 } }],
    ["a fence that is no number", { binding: { ...binding, fence: Number.NaN } }],
    ["a subject without a name", { subject: "" }],
    ["a subject that UTF-8 cannot express", { subject: "\ud800" }],
    ["a long subject", { subject: "x".repeat(201) }],
    ["an end in the past", { expiresAt: NOW }],
    ["a life without an end", { expiresAt: Number.POSITIVE_INFINITY }],
    ["a long life", { expiresAt: NOW + MAX_LIFE_MS + 1 }],
    ["an end that is no time", { expiresAt: Number.NaN }],
  ])("is not made out for %s", (_what, change) => {
    expect(refusal(() => fresh().mint({ ...workerOrder, ...change } as TokenOrder, NOW))).toBe("grant_invalid");
  });
});

describe("hostile tokens", () => {
  it.each<[string, unknown, unknown]>([
    ["no algorithm", { ...header, alg: "none" }, claims],
    ["another algorithm", { ...header, alg: "RS256" }, claims],
    ["a stronger algorithm", { ...header, alg: "HS512" }, claims],
    ["another type", { ...header, typ: "JWT" }, claims],
    ["no type", { alg: "HS256", kid: key.id }, claims],
    ["no key id", { alg: "HS256", typ: "swarm-host+jwt" }, claims],
    ["a key id that is a path", { ...header, kid: "../../dev/null" }, claims],
    ["a key id that is a prototype's", { ...header, kid: "__proto__" }, claims],
    ["a key id that is a list", { ...header, kid: [key.id] }, claims],
    ["its own key", { ...header, jwk: { kty: "oct", k: "AAAA" } }, claims],
    ["a place to get the key from", { ...header, jku: "http://127.0.0.1/keys" }, claims],
    ["a critical extension", { ...header, crit: ["b64"], b64: false }, claims],
    ["the header's names in another order", { typ: "swarm-host+jwt", alg: "HS256", kid: key.id }, claims],
    ["the claims' names in another order", header, Object.fromEntries(Object.entries(claims).reverse())],
    ["a claim nobody knows", header, { ...claims, zone: 1 }],
    ["a claim called __proto__", header, JSON.stringify(claims).replace("{", '{"__proto__":{},')],
    ["a claim twice", header, JSON.stringify(claims).replace("{", '{"exp":99999999999,')],
    ["a claim twice, the last one first", header, JSON.stringify(claims).replace(/\}$/u, ',"verbs":["read_trace"]}')],
    ["white space", header, JSON.stringify(claims, null, 1)],
    ["a number in another spelling", header, JSON.stringify(claims).replace('"exp":', '"exp":0.0e1+')],
    ["an end that is text", header, { ...claims, exp: "99999999999" }],
    ["an end in fractions", header, { ...claims, exp: claims.exp + 0.5 }],
    ["no end", header, { ...claims, exp: undefined }],
    ["a role nobody has", header, { ...claims, role: "host" }],
    ["a verb nobody has", header, { ...claims, verbs: ["read_everything"] }],
    ["verbs out of order", header, { ...claims, verbs: ["read_trace", "read_task_state"] }],
    ["a verb twice", header, { ...claims, verbs: ["read_trace", "read_trace"] }],
    ["verbs that are a text", header, { ...claims, verbs: "read_trace" }],
    [
      "half a binding",
      header,
      { exp: claims.exp, fence: 1, iat: 1, role: "worker", run: "R", sub: "x", verbs: ["fetch_data"] },
    ],
    ["a list of claims", header, [claims]],
    ["null", header, null],
    ["no JSON", header, "{"],
    ["bytes that are no UTF-8", header, "\udc80"],
  ])("with %s are refused, though the signature is right", (_what, head, payload) => {
    const token = forge(head, payload);
    expect(refusal(() => fresh().verify(token, NOW))).toBe("token_malformed");
  });

  it("with more verbs than the role has prove them, and the gate denies them", () => {
    const token = forge(header, { ...claims, verbs: ["administer", "read_trace"] });
    const grant = fresh().verify(token, NOW);
    expect(refusal(() => authorize(grant, "administer", { kind: "host" }))).toBe("verb_denied");
    expect(refusal(() => authorize(grant, "read_trace", { kind: "host" }))).toBeUndefined();
  });

  it.each([
    "",
    ".",
    "..",
    "a.b",
    "a.b.c",
    "a.b.c.d",
    "a.b.c.d.e",
    ` ${"a".repeat(50)}`,
    "x".repeat(MAX_TOKEN + 1),
    `${"a".repeat(MAX_TOKEN)}.b.${"c".repeat(43)}`,
    `${"e30"}.${"e30"}.${"A".repeat(43)}`,
    "\0.\0.\0",
  ])("of no form are refused: %j", (text) => {
    expect(refusal(() => fresh().verify(text, NOW))).toBe("token_malformed");
  });

  it("never bring the token or the key into a message", () => {
    const other = new Capabilities(keyRing([{ ...sampleKey(2), id: key.id }]));
    const expired = fresh().mint({ ...workerOrder, expiresAt: NOW + 1000 }, NOW);
    const tokens = [
      other.mint(workerOrder, NOW),
      expired,
      new Capabilities(keyRing([sampleKey(3)])).mint(workerOrder, NOW),
      forge({ ...header, alg: "none" }, claims),
      forge(header, "{"),
      "secret-that-is-no-token",
    ];
    const secret = key.secret.export().toString("hex");
    for (const token of tokens) {
      try {
        fresh().verify(token, NOW + HOUR);
        expect.unreachable();
      } catch (error) {
        const text = `${String(error)}${JSON.stringify(error)}${(error as Error).stack ?? ""}`;
        for (const part of [token, ...token.split(".").filter((each) => each.length > 8), secret]) {
          expect(text).not.toContain(part);
        }
      }
    }
  });
});

describe("keys", () => {
  it("rotate: the one before still proves, the one before that does not", () => {
    const [first, second, third] = [sampleKey(1), sampleKey(2), sampleKey(3)];
    const capabilities = new Capabilities(keyRing([first]));
    const token = capabilities.mint(workerOrder, NOW);
    const grant = capabilities.verify(token, NOW);
    const ring = rotated(keyRing([first]), second);
    capabilities.useKeys(ring);
    expect(capabilities.keyIds).toEqual([second.id, first.id]);
    expect(capabilities.verify(token, NOW)).toEqual(grant);
    expect(capabilities.verify(capabilities.mint(workerOrder, NOW), NOW).keyId).toBe(second.id);
    capabilities.useKeys(rotated(ring, third));
    expect(refusal(() => capabilities.verify(token, NOW))).toBe("token_key_unknown");
  });

  it("that cannot sign are refused", () => {
    expect(refusal(() => keyRing([]))).toBe("keys_invalid");
    expect(refusal(() => keyRing([sampleKey(1), sampleKey(1)]))).toBe("keys_invalid");
    expect(refusal(() => keyRing([sampleKey(1), sampleKey(2), sampleKey(3)]))).toBe("keys_invalid");
    expect(refusal(() => keyRing([{ ...sampleKey(1), id: "k-1" }]))).toBe("keys_invalid");
  });
});

describe("a re-mint", () => {
  it("of an expired token moves its end, and nothing else", () => {
    const capabilities = fresh();
    const order: TokenOrder = { ...workerOrder, verbs: ["post_result"], artifact: "a", expiresAt: NOW + 1000 };
    const token = capabilities.mint(order, NOW);
    const later = NOW + HOUR;
    const again = capabilities.remint(token, later + HOUR, later);
    const { expiresAt, ...rest } = capabilities.verify(again, later);
    expect(expiresAt).toBe(later + HOUR);
    const { expiresAt: before, ...same } = capabilities.verify(token, NOW);
    expect(before).toBe(NOW + 1000);
    expect(rest).toEqual(same);
  });

  it("is refused to all but workers, to narrowed tokens and to forged ones", () => {
    const capabilities = fresh();
    const observer = capabilities.mint({ role: "observer", subject: "o", expiresAt: NOW + HOUR }, NOW);
    const narrowed = narrow(capabilities.mint(workerOrder, NOW), { verbs: ["post_result"] });
    const foreign = new Capabilities(keyRing([{ ...sampleKey(2), id: key.id }])).mint(workerOrder, NOW);
    const remint = (token: string) => () => capabilities.remint(token, NOW + 2 * HOUR, NOW);
    expect(refusal(remint(observer))).toBe("never_widens");
    expect(refusal(remint(narrowed))).toBe("never_widens");
    expect(refusal(remint(foreign))).toBe("token_forged");
  });
});

describe("a handle", () => {
  it("has 128 bits, is the same for the same attempt, and is found by what is kept of it", () => {
    const capabilities = fresh();
    const { handle, digest } = capabilities.handle(binding);
    expect(handle).toMatch(/^wh-[0-9a-f]{32}$/u);
    expect(digest).not.toContain(handle.slice(3));
    expect(capabilities.handle({ ...binding })).toEqual({ handle, digest });
    capabilities.useKeys(rotated(keyRing([key]), sampleKey(2)));
    expect(capabilities.handleOf(binding, digest)?.handle).toBe(handle);
    expect(capabilities.handle(binding).handle).not.toBe(handle);
    capabilities.useKeys(keyRing([sampleKey(3)]));
    expect(capabilities.handleOf(binding, digest)).toBeUndefined();
  });

  it("is another one for anything else", () => {
    const capabilities = fresh();
    const others = [
      { ...binding, runId: "R-2" },
      { ...binding, key: "2" },
      { ...binding, attempt: 2 },
      { ...binding, fence: 5 },
      { ...binding, generation: 3 },
    ];
    const { generation: _, ...none } = binding;
    const handles = [binding, none, ...others].map((each) => capabilities.handle(each).handle);
    expect(new Set(handles).size).toBe(handles.length);
  });
});

it("knows verbs that a role has twice only once", () => {
  const verbs: readonly Verb[] = ["read_trace", "read_task_state", "read_trace"];
  const token = fresh().mint({ role: "observer", subject: "o", verbs, expiresAt: NOW + HOUR }, NOW);
  expect([...fresh().verify(token, NOW).verbs]).toEqual(["read_task_state", "read_trace"]);
});
