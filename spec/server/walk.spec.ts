/**
 * Route by route and frame by frame, every state that a credential can come to on a host that really runs something: what
 * is refused is refused with the status and the code of its state, changes nothing, and tells nothing of another run.
 */
import { request as ask } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GATE, LEAF_VERBS, narrow, type Role, type Verb } from "../../src/capability/index.ts";
import type { FRAME_VERBS } from "../../src/operators/frame-verbs.ts";
import { ROUTES, type RouteRule } from "../../src/server/rules.ts";
import { operatorBlueprint } from "../operators/served-host.ts";
import type { TestClient } from "../operators/test-client.ts";
import { REFUSALS } from "./refusals.ts";
import { storeContents } from "./store-contents.ts";
import { MARK, openWorld, orderOf, strangers, type World } from "./walk-world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  expect(world.served.defects).toEqual([]);
  await world[Symbol.asyncDispose]();
});

const STATUS: Readonly<Record<string, number>> = { ...REFUSALS, submission_conflict: 409 };

/** What each route is sent: what would change something, were it let in. */
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /v1/runs": { blueprint: operatorBlueprint() },
  "POST /v1/runs/:id/fork": { from: "root" },
  "POST /v1/runs/:id/signals": { name: "go", id: "1" },
  "POST /v1/runs/:id/seats": { description: "mine now" },
  "POST /v1/runs/:id/requests/:request/answer": { value: 1 },
  "POST /v1/runs/:id/requests/:request/verdict": { verdict: "pass" },
  "POST /v1/schedules": { name: "s", blueprint: operatorBlueprint(), every_ms: 3_600_000 },
  "POST /v1/operators": { description: "one more" },
  "POST /v1/worker/result": { value: 1 },
  "POST /v1/worker/stats": { model: "m" },
  "POST /v1/worker/degradation": { tool: "t", error: "e", fallback: "f" },
};

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

async function knock(route: string, shown: string | undefined, query = ""): Promise<Answer> {
  const [method = "", pattern = ""] = route.split(" ");
  const { mine, one, served } = world;
  const fill: Readonly<Record<string, string>> = {
    id: mine[0].run,
    sid: one.session.sessionId,
    seat: "main",
    request: mine[1].id,
    name: "writer",
  };
  const path = pattern.replace(/:(\w+)/gu, (_, name: string) => encodeURIComponent(fill[name] ?? "x"));
  const needs = { "DELETE /v1/runs/:id/seats/:seat": "?generation=1", "POST /v1/worker/artifact": "?name=writer" }[
    route
  ];
  const more = [needs?.slice(1), query].filter(Boolean).join("&");
  const response = await fetch(`${served.url}${path}${more === "" ? "" : `?${more}`}`, {
    method,
    headers: {
      ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
      ...(method === "POST" ? { "content-type": "application/json" } : {}),
    },
    ...(method === "POST" ? { body: JSON.stringify(BODIES[route] ?? {}) } : {}),
  });
  if (response.headers.get("content-type") === "text/event-stream") {
    await response.body?.cancel();
    return { status: response.status, code: undefined, text: "" };
  }
  const text = await response.text();
  if (response.status < 400) return { status: response.status, code: undefined, text };
  expect(response.headers.get("content-type")).toContain("application/problem+json");
  return { status: response.status, code: JSON.parse(text).code, text };
}

/** A credential that is proven, and what becomes of it on a target of each kind, once its verb is its own. */
interface Proven {
  readonly state: string;
  readonly shown: string;
  readonly role: Role;
  readonly verbs: ReadonlySet<Verb>;
  /** On its own step, and on nothing that is there already; undefined: it is let in. */
  readonly fate?: string;
  /** The run it is bound to is not the one in the path. */
  readonly isElsewhere?: true;
  /** It is for one artifact, which is not the one asked about. */
  readonly isOther?: true;
  /** Its step was answered. */
  readonly isAnswered?: true;
}

function proven(): readonly Proven[] {
  const { mine, other, taken, ended, token, served } = world;
  const leaf: ReadonlySet<Verb> = new Set(LEAF_VERBS);
  const all = GATE.worker;
  const { binding } = orderOf(mine[0]);
  const worker = (state: string, shown: string, fate: string, over: Partial<Proven> = {}): Proven => ({
    state,
    shown,
    role: "worker",
    verbs: all,
    fate,
    ...over,
  });
  const whole = [...all];
  const of = (handed: typeof other): string => token({ binding: orderOf(handed).binding, verbs: whole });
  return [
    worker("another attempt", token({ binding: { ...binding, attempt: 2 }, verbs: whole }), "token_revoked"),
    worker("a step that is not there", token({ binding: { ...binding, key: "9" }, verbs: whole }), "token_revoked"),
    worker("an old fence", token({ binding: { ...binding, fence: binding.fence - 1 }, verbs: whole }), "wrong_fence"),
    worker(
      "a fence to come",
      token({ binding: { ...binding, fence: binding.fence + 1 }, verbs: whole }),
      "wrong_fence",
    ),
    worker("an old generation", of(taken), "seat_moved", { isElsewhere: true }),
    worker("its handle", taken.handle, "seat_moved", { verbs: leaf, isElsewhere: true }),
    worker("a run that was cancelled", of(ended), "token_revoked", { isElsewhere: true }),
    worker("its handle", ended.handle, "token_revoked", { verbs: leaf, isElsewhere: true }),
    worker("a step that is answered", of(mine[2]), "token_revoked", { isAnswered: true }),
    worker("its handle", mine[2].handle, "token_revoked", { verbs: leaf, isAnswered: true }),
    {
      state: "another artifact",
      shown: narrow(token({ verbs: whole }), { artifact: "x" }),
      role: "worker",
      verbs: all,
      isOther: true,
    },
    ...(["operator", "observer", "senior"] as const).map((role): Proven => {
      const order = { role, subject: role, expiresAt: Date.now() + 3_600_000 };
      return {
        state: `the role ${role}`,
        shown: served.host.capabilities.mint(order, Date.now()),
        role,
        verbs: GATE[role],
      };
    }),
  ];
}

/** The code that a rule refuses a credential with, told from the table alone; undefined: it lets it in. */
function refusalOf(
  { verb, target }: RouteRule,
  { role, verbs, fate, isElsewhere, isOther, isAnswered }: Proven,
): string | undefined {
  if (!verbs.has(verb)) return "verb_denied";
  if (isOther) return "wrong_binding";
  if (role !== "worker") return target === "step" || target === "session" ? "wrong_binding" : undefined;
  if (target === "host" || target === "session") return "wrong_binding";
  if (target === "run" && (isElsewhere || (verb !== "read_task_state" && verb !== "poll_task"))) return "wrong_binding";
  // Its answer may be given again: what is refused is that it is another one.
  return isAnswered && verb === "post_result" ? "submission_conflict" : fate;
}

const rules = Object.entries(ROUTES).flatMap(([route, rule]): [string, RouteRule][] =>
  rule === "open" ? [] : [[route, rule]],
);

describe.each(rules)("%s", (route, rule) => {
  it("refuses each state by its name, and changes nothing", async () => {
    const before = storeContents(world.served.dataDir);
    for (const [state, shown, code] of strangers(world)) {
      expect({ state, ...(await knock(route, shown)) }).toMatchObject({ state, status: 401, code });
    }
    for (const each of proven()) {
      const { state, shown } = each;
      const code = refusalOf(rule, each);
      if (code === undefined) continue;
      const answer = await knock(route, shown);
      expect({ state, ...answer }).toMatchObject({ state, status: STATUS[code], code });
      expect(answer.text).not.toContain(MARK);
      expect(answer.text).not.toContain(shown);
    }
    expect(storeContents(world.served.dataDir)).toBe(before);
  });
});

const ofSteps = rules.filter(([, { target }]) => target === "step");

describe.each(ofSteps)("%s", (route) => {
  it("speaks for no step but the credential's own, whatever the request says", async () => {
    const { mine, other, token, served } = world;
    const before = storeContents(served.dataDir);
    for (const query of [`task_id=${mine[1].step}`, `task_id=${other.step}`, "attempt=2", "task_id=../../x"]) {
      for (const shown of [mine[0].token, mine[0].handle, token()]) {
        expect(await knock(route, shown, query)).toMatchObject({ status: 403, code: "wrong_binding" });
      }
    }
    expect(await knock(route, other.token, `task_id=${mine[0].step}`)).toMatchObject({ code: "wrong_binding" });
    expect(storeContents(served.dataDir)).toBe(before);
  });
});

describe("what is read", () => {
  const reads = rules.filter(([route, { target }]) => route.startsWith("GET ") && target !== "host");

  it.each(reads)("holds nothing of another run: %s", async (route) => {
    const { token } = world;
    for (const shown of [token({ verbs: [...GATE.worker] }), world.mine[0].handle]) {
      expect((await knock(route, shown)).text).not.toContain(MARK);
    }
  });

  it("holds what is of the credential's own", async () => {
    expect((await knock("GET /v1/worker/prompt", world.other.handle)).text).toContain(MARK);
    expect((await knock("GET /v1/worker/prompt", world.mine[0].handle)).text).toContain(world.mine[0].step);
  });
});

/** Asks for an upgrade; the status and code of the refusal, or 101. */
function knockAtSocket(
  shown: string | undefined,
  how: "header" | "subprotocol" = "header",
): Promise<Omit<Answer, "text">> {
  const { one, served } = world;
  const inProtocol = how === "subprotocol" && shown !== undefined ? `, swarm-host.bearer.${shown}` : "";
  const asked = ask(`${served.url}/v1/operators/${one.session.sessionId}/socket`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      "sec-websocket-protocol": `swarm-host.v1+json${inProtocol}`,
      ...(how === "header" && shown !== undefined ? { authorization: `Bearer ${shown}` } : {}),
    },
  });
  return new Promise((resolve, reject) => {
    asked.on("error", reject);
    asked.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve({ status: 101, code: undefined });
    });
    asked.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, code: JSON.parse(text).code }));
    });
    asked.end();
  });
}

describe("an upgrade", () => {
  it("is refused like any request to its route, and changes nothing", async () => {
    const before = storeContents(world.served.dataDir);
    for (const [state, shown, code] of strangers(world)) {
      expect({ state, ...(await knockAtSocket(shown)) }).toEqual({ state, status: 401, code });
      if (shown !== undefined) expect(await knockAtSocket(shown, "subprotocol")).toEqual({ status: 401, code });
    }
    for (const each of proven()) {
      const code = refusalOf(ROUTES["GET /v1/operators/:sid/socket"], each) ?? "";
      expect({ state: each.state, ...(await knockAtSocket(each.shown)) }).toEqual({
        state: each.state,
        status: 403,
        code,
      });
    }
    expect(await knockAtSocket(world.two.secret)).toEqual({ status: 403, code: "wrong_binding" });
    expect(storeContents(world.served.dataDir)).toBe(before);
  });
});

type FrameType = keyof typeof FRAME_VERBS;

/** What each frame says beside what it is about. */
const SAID: Readonly<Record<Exclude<FrameType, "seen" | "pong">, object>> = {
  ack: { note: "mine" },
  halt: { value: 1 },
  error: { message: "no" },
  answer: { value: 1 },
  hook: { ok: true },
};
const ABOUT_STEPS: ReadonlySet<string> = new Set(["ack", "halt", "error"]);
const ABSENT = `Q-${"0".repeat(32)}`;

describe.each(Object.entries(SAID))("the frame %s", (type, said) => {
  /** The code of its refusal. */
  const refused = async (client: TestClient, id: string): Promise<string> => {
    const answer = await client.ask({ type, id, ...said });
    expect(answer.type).toBe("refused");
    expect(JSON.stringify(answer)).not.toContain(MARK);
    return answer.code;
  };

  it("is refused about what is not its session's to say, and changes nothing", async () => {
    const { first, second, mine, other, taken, ended, served } = world;
    const before = storeContents(served.dataDir);
    const codes = [
      await refused(first, ABSENT),
      await refused(first, "__proto__"),
      await refused(second, mine[0].id),
      await refused(first, other.id),
      await refused(first, taken.id),
      await refused(first, ended.id),
      await refused(first, mine[2].id),
    ];
    const step = ABOUT_STEPS.has(type);
    const answered = type === "ack" ? "request_closed" : "submission_conflict";
    expect(codes).toEqual([
      "request_unknown",
      "request_unknown",
      ...["seat_moved", "seat_moved", "seat_moved", "request_closed", answered].map((code) =>
        step ? code : "request_kind",
      ),
    ]);
    expect(storeContents(served.dataDir)).toBe(before);
  });

  it("is refused where its n comes twice", async () => {
    const { second, mine, served } = world;
    const before = storeContents(served.dataDir);
    const id = mine[0].id;
    const n = second.send({ type, id, ...said });
    expect((await second.next("refused")).re).toBe(n);
    second.sendRaw({ type, n, id, ...said });
    expect(await second.next("refused")).toMatchObject({ re: n, code: "frame_invalid" });
    expect(storeContents(served.dataDir)).toBe(before);
  });
});
