/** Every route against every state that a credential can be in. New routes are walked as soon as they are in the table. */
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type AttemptState,
  type Binding,
  Capabilities,
  type CredentialSources,
  GATE,
  keyRing,
  LEAF_VERBS,
  narrow,
  ROLES,
  type Role,
  type Verb,
} from "../../src/capability/index.ts";
import { type Host, openHost } from "../../src/host.ts";
import { guardRoutes } from "../../src/server/access.ts";
import { type HttpServer, listen } from "../../src/server/index.ts";
import { ROUTES, type RouteRule } from "../../src/server/rules.ts";
import { sampleKey } from "../capability/samples.ts";
import { REFUSALS } from "./refusals.ts";

const CREDENTIAL = "c".repeat(64);
const HOUR = 3_600_000;
/** What paths are filled with. There is no such run: a request that passes the door is told so. */
const PARAMETERS: Readonly<Record<string, string>> = { id: "R-here", sid: "S-here", key: "2.~1" };

const bound: Binding = { runId: "R-here", key: "2.~1", attempt: 1, fence: 3, generation: 5 };
const handle = (digit: string): string => `wh-${digit.repeat(32)}`;

/** Sessions, handles and attempts as a host would have them: attempt 1 is open, 2 answered, 3 ended. */
const LIVES: Readonly<Record<number, AttemptState["life"]>> = { 1: "open", 2: "answered", 3: "ended" };
const sources: CredentialSources = {
  session: async (secret) =>
    ({ "secret-here": { sessionId: "S-here" }, "secret-other": { sessionId: "S-other" } })[secret],
  handle: async (text) =>
    ({ [handle("1")]: bound, [handle("3")]: { ...bound, attempt: 3 }, [handle("4")]: { ...bound, generation: 4 } })[
      text
    ],
  attempt: async ({ runId, key, attempt }) => {
    const life = LIVES[attempt];
    if (life === undefined || key !== bound.key) return undefined;
    return { attempt: { ...bound, runId, attempt }, life };
  },
};

let host: Host;
let server: HttpServer;
const defects: unknown[] = [];

beforeAll(async () => {
  server = await listen({ hostname: "127.0.0.1", port: 0 }, (error) => defects.push(error));
  host = await openHost({ data: { kind: "ephemeral" } });
  server.ready({ host, credential: CREDENTIAL, sources });
});

afterAll(async () => {
  expect(defects).toEqual([]);
  expect(await host.runs({ limit: 1 })).toEqual([]);
  await host[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  /** Of a problem. */
  readonly code?: string;
}

async function knock(route: string, shown: string | undefined): Promise<Answer> {
  const [method = "", pattern = ""] = route.split(" ");
  const path = pattern.replace(/:(\w+)/gu, (_, name: string) => PARAMETERS[name] ?? "x");
  const hasBody = method !== "GET" && method !== "HEAD" && method !== "DELETE";
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
      ...(hasBody ? { "content-type": "application/json" } : {}),
    },
    ...(hasBody ? { body: "{}" } : {}),
  });
  if (response.headers.get("content-type") === "text/event-stream") {
    // Such an answer need not end.
    await response.body?.cancel();
    return { status: response.status };
  }
  const text = await response.text();
  if (shown !== undefined && shown.length > 3) expect(text).not.toContain(shown);
  if (response.status < 400) return { status: response.status };
  if (method === "HEAD") return { status: response.status };
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  expect(response.status === 401).toBe(response.headers.get("www-authenticate") === "Bearer");
  const { code, status } = JSON.parse(text) as { code: string; status: number };
  expect(status).toBe(response.status);
  return { status, code };
}

const passes = (answer: Answer): void => {
  expect(Object.keys(REFUSALS)).not.toContain(answer.code);
  expect(answer.code).not.toBe("not_found");
  expect(answer.status).not.toBe(500);
};

const refused = (answer: Answer, code: string): void => {
  expect(answer).toEqual({ status: REFUSALS[code], code });
};

interface Made {
  readonly verbs?: readonly Verb[];
  readonly binding?: Partial<Binding>;
  readonly ago?: number;
}

/** A token of the host, with all that its role may have. */
function token(role: Role, { verbs, binding, ago = 0 }: Made = {}, capabilities = host.capabilities): string {
  const made = Date.now() - ago;
  return capabilities.mint(
    {
      role,
      subject: "walker",
      verbs: verbs ?? [...GATE[role]],
      expiresAt: made + HOUR,
      ...(role === "worker" ? { binding: { ...bound, ...binding } } : {}),
    },
    made,
  );
}

function base64(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}

/** Of a token's signature, its first character changed. */
function tampered(text: string): string {
  const at = text.lastIndexOf(".") + 1;
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
}

const rules = Object.entries(ROUTES).flatMap(([route, rule]): [string, RouteRule][] =>
  rule === "open" ? [] : [[route, rule]],
);

/** Whether the door can let a role in at all: a role has no way to be a session, or on a step, but its own kind. */
function canEnter(role: Role, { verb, target }: RouteRule): boolean {
  if (!GATE[role].has(verb) || target === "session") return false;
  if (role !== "worker") return target !== "step";
  return (
    target === "none" || target === "step" || (target === "run" && (verb === "read_task_state" || verb === "poll_task"))
  );
}

describe("an open route", () => {
  const open = Object.entries(ROUTES).filter(([, rule]) => rule === "open");
  it.each(open)("%s answers whoever asks", async (route) => {
    for (const shown of [undefined, "garbage", CREDENTIAL]) passes(await knock(route, shown));
  });
});

describe.each(rules)("%s", (route, rule) => {
  const { verb, target } = rule;

  it("tells whoever shows nothing that holds nothing but that", async () => {
    const stranger = new Capabilities(keyRing([sampleKey(9)]));
    const [, payload = ""] = token("operator").split(".");
    const known = new Capabilities(keyRing([{ ...sampleKey(9), id: host.keys[0]?.id ?? "" }]));
    const shown: readonly (readonly [string | undefined, string])[] = [
      [undefined, "unauthorized"],
      ["garbage", "unauthorized"],
      [`${CREDENTIAL}c`, "unauthorized"],
      [handle("9"), "unauthorized"],
      [handle("1").slice(0, -1), "unauthorized"],
      ["x".repeat(5000), "unauthorized"],
      ["a.b.c", "token_malformed"],
      [
        `${base64({ alg: "none", kid: host.keys[0]?.id, typ: "swarm-host+jwt" })}.${payload}.${"A".repeat(43)}`,
        "token_malformed",
      ],
      [tampered(token("operator")), "token_forged"],
      [tampered(narrow(token("operator"), { verbs: ["heartbeat"] })), "token_forged"],
      [token("senior", {}, known), "token_forged"],
      [token("worker", {}, stranger), "token_key_unknown"],
      ...ROLES.map((role) => [token(role, { ago: 2 * HOUR }), "token_expired"] as const),
    ];
    for (const [each, code] of shown) refused(await knock(route, each), code);
    for (const header of ["HEAD", "GET"].filter(() => route.startsWith("GET "))) {
      expect((await knock(route.replace(/^GET/u, header), undefined)).status).toBe(401);
    }
  });

  it.each(ROLES)("lets a role in or not, as the gate has it: %s", async (role) => {
    const answer = await knock(route, token(role));
    if (canEnter(role, rule)) passes(answer);
    else refused(answer, GATE[role].has(verb) ? "wrong_binding" : "verb_denied");
  });

  it.each(ROLES)("refuses a token that was given, or narrowed to, other verbs: %s", async (role) => {
    const others = [...GATE[role]].filter((each) => each !== verb);
    refused(await knock(route, token(role, { verbs: others })), "verb_denied");
    refused(await knock(route, narrow(token(role), { verbs: others })), "verb_denied");
    refused(await knock(route, narrow(token(role), { verbs: others, expiresAt: Date.now() - 1000 })), "token_expired");
  });

  it("takes a worker's token for no more than its attempt is worth", async () => {
    const has = GATE.worker.has(verb);
    const worker = (binding: Partial<Binding>): Promise<Answer> => knock(route, token("worker", { binding }));
    const denied = canEnter("worker", rule) ? undefined : has ? "wrong_binding" : "verb_denied";
    refused(await worker({ attempt: 3 }), denied ?? "token_revoked");
    refused(await worker({ attempt: 9 }), denied ?? "token_revoked");
    refused(await worker({ fence: 2 }), denied ?? "wrong_fence");
    refused(await worker({ generation: 4 }), denied ?? "seat_moved");
    const answered = await worker({ attempt: 2 });
    if (denied === undefined && verb === "post_result") passes(answered);
    else refused(answered, denied ?? "token_revoked");
    if (target === "run" || route.includes(":id") || route.includes(":key")) {
      refused(await worker({ runId: "R-other" }), has ? "wrong_binding" : "verb_denied");
    }
  });

  it("takes a worker's handle as the worker, for its own step only", async () => {
    const leaf: ReadonlySet<Verb> = new Set(LEAF_VERBS);
    const reaches = leaf.has(verb) && (target === "none" || target === "step");
    const denied = GATE.worker.has(verb) && leaf.has(verb) ? "wrong_binding" : "verb_denied";
    const answer = await knock(route, handle("1"));
    if (reaches) passes(answer);
    else refused(answer, denied);
    refused(await knock(route, handle("3")), reaches ? "token_revoked" : denied);
    refused(await knock(route, handle("4")), reaches ? "seat_moved" : denied);
  });

  it("takes a session's secret as an operator, and for no other session", async () => {
    const allowed = GATE.operator.has(verb);
    const own = await knock(route, "secret-here");
    if (allowed && target !== "step") passes(own);
    else refused(own, allowed ? "wrong_binding" : "verb_denied");
    if (target === "session") {
      refused(await knock(route, "secret-other"), allowed ? "wrong_binding" : "verb_denied");
    }
  });

  it("lets the host's own credential in, and is there", async () => {
    const answer = await knock(route, CREDENTIAL);
    // A worker's route is about the worker that asks, which the host is not.
    if (target === "step") refused(answer, "wrong_binding");
    else passes(answer);
  });
});

describe("the door", () => {
  it("lets no route be added that the table does not have", () => {
    const fresh = Fastify();
    guardRoutes(fresh, () => expect.unreachable());
    expect(() => fresh.get("/v1/odd", async () => "odd")).toThrow(/GET \/v1\/odd demands nothing/u);
    expect(() => fresh.put("/v1/runs", async () => "odd")).toThrow(/PUT \/v1\/runs demands nothing/u);
  });

  it("says what a credential allows, and not what it is", async () => {
    const shown = narrow(token("worker"), { verbs: ["verify_token", "post_result"] });
    const response = await fetch(`${server.url}/v1/token`, { headers: { authorization: `Bearer ${shown}` } });
    const { key_id, expires_at, ...rest } = (await response.json()) as Record<string, unknown>;
    expect(rest).toEqual({
      role: "worker",
      subject: "walker",
      verbs: ["post_result", "verify_token"],
      run: "R-here",
      key: "2.~1",
      attempt: 1,
      fence: 3,
      generation: 5,
    });
    expect([key_id, typeof expires_at]).toEqual([host.keys[0]?.id, "number"]);
  });

  it("takes no token any more whose key was rotated away", async () => {
    const shown = token("operator");
    const route = "GET /v1/runs";
    expect(await knock(route, shown)).toEqual({ status: 200 });
    expect(await knock("POST /v1/keys/rotate", CREDENTIAL)).toEqual({ status: 200 });
    expect(await knock(route, shown)).toEqual({ status: 200 });
    expect(await knock("POST /v1/keys/rotate", CREDENTIAL)).toEqual({ status: 200 });
    refused(await knock(route, shown), "token_key_unknown");
  });
});
