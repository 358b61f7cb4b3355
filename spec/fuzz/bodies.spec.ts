/** Requests of every kind of wrong, to every route: each has an answer below 500 in the host's own form, and the host goes on. */
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type Host, openHost } from "../../src/host.ts";
import { ROUTES } from "../../src/server/rules.ts";
import { type UnboundServer, unboundServer } from "../../src/server/server.ts";
import { operatorBlueprint } from "../operators/served-host.ts";
import { CASES, HOSTILE_TEXTS, heldMemory, PATIENCE, report, spoiling, spoilt, tally } from "./mutations.ts";

const CREDENTIAL = "c".repeat(64);
const MARK = "what-only-the-other-run-is-asked";

/** Answers of these do not end, or come over a wire that a request in process does not have: see sockets.spec.ts. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "GET /v1/events",
  "GET /v1/runs/:id/events",
  "POST /v1/worker/progress",
]);
const routes = Object.keys(ROUTES).filter((route) => !ELSEWHERE.has(route));

/** A Blueprint that is done as soon as it begins. */
const idle = {
  schema_version: "0.1.0",
  id: "idle",
  agents: [],
  flow: { kind: "seq", children: [] },
  default_init_ctx: { a: 1 },
};
const BODIES: Readonly<Record<string, object>> = {
  "POST /v1/runs": { blueprint: idle, input: { a: 1 } },
  "POST /v1/runs/:id/fork": { from: "root", ctx: { a: 1 } },
  "POST /v1/runs/:id/signals": { name: "go", id: "1", value: 1 },
  "POST /v1/runs/:id/cancel": { reason: "enough" },
  "POST /v1/runs/:id/resume": { reason: "on", divergence: "strict" },
  "POST /v1/runs/:id/seats": { seat: "main", description: "mine" },
  "POST /v1/runs/:id/requests/:request/answer": { value: 1 },
  "POST /v1/runs/:id/requests/:request/verdict": { verdict: "pass", value: 1 },
  "POST /v1/schedules": { name: "s", blueprint: idle, every_ms: 3_600_000, overlap: "skip" },
  "POST /v1/operators": { description: "someone", manifest: { can: ["x"] } },
  "POST /v1/worker/result": { value: 1, verdict: "pass" },
  "POST /v1/worker/stats": { model: "m", usage: { input_tokens: 1 }, num_turns: 1 },
  "POST /v1/worker/degradation": { tool: "t", error: "e", fallback: "f" },
};

/** A host with a step that a handle is out for, again whenever it was answered. */
class World implements AsyncDisposable {
  readonly defects: unknown[] = [];
  readonly server: UnboundServer = unboundServer((error) => this.defects.push(error));
  handle = "";
  runId = "";
  requestId = "";
  #host: Host | undefined;
  #session = { sessionId: "", secret: "" };

  static async open(): Promise<World> {
    const world = new World();
    const onDefect = (error: unknown): void => void world.defects.push(error);
    world.#host = await openHost({ data: { kind: "ephemeral" }, onDefect });
    world.server.ready({ host: world.#host, credential: CREDENTIAL });
    await world.#launch({ ...operatorBlueprint(), default_init_ctx: { item: MARK } });
    return world;
  }

  get secret(): string {
    return this.#session.secret;
  }

  get sessionId(): string {
    return this.#session.sessionId;
  }

  get host(): Host {
    return this.#host!;
  }

  /** Sees to it that there is a step to answer, and whoever is to. */
  async renew(): Promise<void> {
    const { operators } = this.host;
    if ((await operators.authenticate(this.secret)) === undefined) {
      const { session, secret } = await operators.join({ description: "someone" });
      this.#session = { sessionId: session.sessionId, secret };
      await operators.connect(session.sessionId, {
        codec: "json",
        buffered: 0,
        send: (data) => this.#heard(String(data)),
        pause() {},
        resume() {},
        close() {},
      });
    }
    // Removed with its run, it is not open either.
    const state =
      this.requestId === ""
        ? "none"
        : await operators.request(this.requestId).then(
            (one) => one.state,
            () => "none",
          );
    const open = state === "open";
    const seats = open ? await operators.seats(this.runId) : [];
    if (seats[0]?.holder === this.#session.sessionId) return;
    this.requestId = "";
    const runId = await this.#launch(operatorBlueprint(), this.#session.sessionId);
    while (this.requestId === "") await new Promise(setImmediate);
    this.runId = runId;
  }

  async #launch(document: object, sessionId?: string): Promise<string> {
    const compiled = await this.host.workshop.compile(JSON.parse(JSON.stringify(document)));
    const seats = sessionId === undefined ? {} : { seats: { main: { sessionId, description: "to work" } } };
    const run = await this.host.launch(compiled, seats);
    run.result.catch(() => {});
    return run.runId;
  }

  #heard(text: string): void {
    const { type, request } = JSON.parse(text) as { type: string; request: { id: string; handle: string } };
    if (type === "request") [this.requestId, this.handle] = [request.id, request.handle];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

const TYPES = [
  "application/json",
  "application/json",
  "application/json; charset=utf-16",
  "application/x-ndjson",
  "text/plain",
  "application/octet-stream",
  "multipart/form-data",
  "/;;=\u00e9",
  "",
] as const;
const ENCODINGS = [undefined, undefined, undefined, "gzip", "br", "identity, gzip", "x"] as const;
const text = fc.nat(HOSTILE_TEXTS.length - 1).map((index) => HOSTILE_TEXTS[index]!);

const aRequest = fc.record({
  route: fc.constantFrom(...routes),
  /** `right`: one of whom the route is for. */
  who: fc.constantFrom("right", "right", "right", "right", "host", "session", "handle", "nobody"),
  body: spoiling,
  type: fc.constantFrom(...TYPES),
  encoding: fc.constantFrom(...ENCODINGS),
  /** Undefined: the one that is there. */
  param: fc.option(text, { nil: undefined, freq: 2 }),
  query: fc.option(
    fc.tuple(fc.constantFrom("limit", "after", "name", "verdict", "ok", "attempt", "task_id", "generation", "x"), text),
    {
      nil: undefined,
      freq: 2,
    },
  ),
  key: fc.option(text, { nil: undefined, freq: 8 }),
});
type Asked = typeof aRequest extends fc.Arbitrary<infer T> ? T : never;

function requestOf(world: World, { route, who, body, type, encoding, param, query, key }: Asked) {
  const [method = "", pattern = ""] = route.split(" ");
  const known: Readonly<Record<string, string>> = {
    id: world.runId,
    request: world.requestId,
    seat: "main",
    name: "s",
    sid: world.sessionId,
  };
  const path = pattern.replace(/:(\w+)/gu, (_, name: string) => encodeURIComponent(param ?? known[name] ?? "x"));
  const needs = { "POST /v1/worker/artifact": "name=part", "DELETE /v1/runs/:id/seats/:seat": "generation=1" }[route];
  const asked = query === undefined ? needs : `${query[0]}=${encodeURIComponent(query[1])}`;
  const right = route.includes("/worker/") ? world.handle : CREDENTIAL;
  const shown = { right, host: CREDENTIAL, session: world.secret, handle: world.handle, nobody: undefined }[who];
  // What is no header cannot be sent as one.
  const isHeader = key !== undefined && /^[\x21-\x7e]+$/u.test(key);
  return {
    method: method as "GET",
    url: asked === undefined ? path : `${path}?${asked}`,
    headers: {
      host: "127.0.0.1",
      ...(shown === undefined ? {} : { authorization: `Bearer ${shown}` }),
      ...(method === "POST" ? { "content-type": type } : {}),
      ...(encoding === undefined ? {} : { "content-encoding": encoding }),
      ...(isHeader ? { "idempotency-key": key, "last-event-id": key } : {}),
    },
    ...(method === "POST" ? { payload: spoilt(JSON.stringify(BODIES[route] ?? {}), body) } : {}),
  };
}

describe("requests to every route", () => {
  const outcomes = new Map<string, number>();
  let count = 0;
  afterAll(() => report(`requests to ${routes.length} routes`, count, outcomes));

  it(`are answered, ${CASES.bodies} of them, and the host goes on`, { timeout: PATIENCE }, async () => {
    await using world = await World.open();
    const reached = new Set<string>();
    let before = 0;
    await fc.assert(
      fc.asyncProperty(aRequest, async (asked) => {
        if (count % 50 === 0) await world.renew();
        count += 1;
        const { statusCode: status, headers, payload } = await world.server.server.inject(requestOf(world, asked));
        tally(outcomes, String(status));
        expect(status).toBeLessThan(500);
        if (status >= 400) expect(headers["content-type"]).toContain("application/problem+json");
        else reached.add(asked.route);
        if (asked.who === "handle" || asked.route.includes("/worker/") || asked.who === "nobody")
          expect(payload).not.toContain(MARK);
        expect(world.defects).toEqual([]);
        if (count === CASES.bodies / 10) before = await heldMemory();
      }),
      { numRuns: CASES.bodies },
    );
    expect(count).toBe(CASES.bodies);
    // What has a sound body was got to the end of: nothing was refused for want of a chance. Nobody asks a question here.
    const sound = Object.keys(BODIES).filter((route) => !route.endsWith("/answer"));
    expect(sound.filter((route) => !reached.has(route))).toEqual([]);
    // Runs, sessions and schedules that were asked for are kept, as asked for.
    expect((await heldMemory()) - before).toBeLessThan(256 * 1024 * 1024);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    await world.renew();
    const headers = { authorization: `Bearer ${world.handle}` };
    const prompt = await world.server.server.inject({
      url: "/v1/worker/prompt",
      headers: { host: "localhost", ...headers },
    });
    expect([prompt.statusCode, prompt.json().prompt]).toEqual([200, "write it"]);
  });
});
