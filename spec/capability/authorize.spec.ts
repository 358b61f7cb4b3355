/** The gate, and what a grant covers. */
import { describe, expect, it } from "vitest";
import {
  type AttemptState,
  authorize,
  type Binding,
  GATE,
  type Grant,
  HOST_GRANT,
  handleGrant,
  ROLES,
  sessionGrant,
  sessionTerms,
  type Target,
  VERBS,
  type Verb,
} from "../../src/capability/index.ts";
import { binding, refusal } from "./samples.ts";

const step: Target = { kind: "step", runId: binding.runId, key: binding.key, attempt: binding.attempt };
const open: AttemptState = { attempt: binding, life: "open" };
const worker: Grant = { role: "worker", subject: "w", verbs: GATE.worker, binding };
const judge = (grant: Grant, verb: Verb, target: Target, state?: AttemptState): string | undefined =>
  refusal(() => authorize(grant, verb, target, state));

describe("the gate", () => {
  it("has the 24 verbs of the field and one for upkeep, which no role has", () => {
    expect(VERBS).toHaveLength(25);
    expect(new Set(VERBS).size).toBe(25);
    expect(ROLES.filter((role) => GATE[role].has("administer"))).toEqual([]);
    const given = new Set(ROLES.flatMap((role) => [...GATE[role]]));
    expect(VERBS.filter((verb) => !given.has(verb))).toEqual(["administer"]);
  });

  it.each(ROLES)("holds for the role %s, whatever verbs a grant lists", (role) => {
    const grant: Grant = { role, subject: "x", verbs: new Set(VERBS), ...(role === "worker" ? { binding } : {}) };
    const allowed = VERBS.filter((verb) => judge(grant, verb, { kind: "none" }, open) !== "verb_denied");
    expect(new Set(allowed)).toEqual(GATE[role]);
  });

  it("does not add what a grant does not list", () => {
    expect(judge({ ...worker, verbs: new Set() }, "post_result", step, open)).toBe("verb_denied");
  });
});

describe("a worker's grant", () => {
  it("covers its own attempt while that is open", () => {
    expect(judge(worker, "post_result", step, open)).toBeUndefined();
    expect(judge(handleGrant(binding), "fetch_prompt", step, open)).toBeUndefined();
  });

  it.each<[string, Partial<Binding>]>([
    ["another run", { runId: "R-2" }],
    ["another step", { key: "2" }],
    ["another attempt", { attempt: 2 }],
  ])("does not cover %s", (_what, change) => {
    expect(judge(worker, "post_result", { ...step, ...change } as Target, open)).toBe("wrong_binding");
  });

  it.each<[string, AttemptState | undefined, string]>([
    ["there is no attempt any more", undefined, "token_revoked"],
    ["the attempt has ended", { ...open, life: "ended" }, "token_revoked"],
    ["another attempt was found", { ...open, attempt: { ...binding, attempt: 2 } }, "token_revoked"],
    ["the fence is a newer one", { ...open, attempt: { ...binding, fence: 5 } }, "wrong_fence"],
    ["the fence is an older one", { ...open, attempt: { ...binding, fence: 3 } }, "wrong_fence"],
    ["the seat has moved", { ...open, attempt: { ...binding, generation: 3 } }, "seat_moved"],
  ])("is worth nothing once %s, on whatever", (_what, state, code) => {
    expect(judge(worker, "post_result", step, state)).toBe(code);
    expect(judge(worker, "start_task", { kind: "none" }, state)).toBe(code);
    expect(judge(worker, "poll_task", { kind: "run", runId: binding.runId }, state)).toBe(code);
  });

  it("can give its answer again, and nothing more, once it has been given", () => {
    const answered: AttemptState = { ...open, life: "answered" };
    expect(judge(worker, "post_result", step, answered)).toBeUndefined();
    for (const verb of ["fetch_prompt", "emit_output", "fetch_data"] as const) {
      expect(judge(worker, verb, step, answered)).toBe("token_revoked");
    }
  });

  it("sees its run, and neither changes it nor sees others", () => {
    const run = (runId: string): Target => ({ kind: "run", runId });
    expect(judge(worker, "read_task_state", run(binding.runId), open)).toBeUndefined();
    expect(judge(worker, "cancel_task", run(binding.runId), open)).toBe("wrong_binding");
    expect(judge(worker, "read_task_state", run("R-2"), open)).toBe("wrong_binding");
    expect(judge(worker, "read_task_state", { kind: "host" }, open)).toBe("wrong_binding");
  });
});

describe("others' grants", () => {
  it("make a session that has no more than they have, and lasts no longer", () => {
    const operator = sessionGrant({ sessionId: "S-1" });
    expect(operator.verbs).toEqual(GATE.operator);
    expect(sessionTerms(HOST_GRANT)).toEqual({});
    const verbs: ReadonlySet<Verb> = new Set<Verb>(["poll_task", "attach_session", "answer_query"]);
    const less: Grant = { ...operator, verbs, expiresAt: 5000 };
    expect(judge(less, "attach_session", { kind: "none" })).toBeUndefined();
    expect(sessionTerms(less)).toEqual({ verbs: ["attach_session", "poll_task"], expiresAt: 5000 });
    const made = sessionGrant({ sessionId: "S-2", ...sessionTerms(less) });
    expect(judge(made, "poll_task", { kind: "run", runId: "R-1" })).toBeUndefined();
    for (const verb of VERBS) {
      if (verbs.has(verb) && GATE.operator.has(verb)) continue;
      expect(judge(made, verb, { kind: "none" })).toBe("verb_denied");
    }
    expect(sessionTerms(made)).toEqual(sessionTerms(less));
  });

  it("cover no step, and no session but their own", () => {
    const one = sessionGrant({ sessionId: "S-1" });
    expect(judge(one, "detach_session", { kind: "session", sessionId: "S-1" })).toBeUndefined();
    expect(judge(one, "detach_session", { kind: "session", sessionId: "S-2" })).toBe("wrong_binding");
    const { sessionId: _, ...minted } = one;
    expect(judge(minted, "detach_session", { kind: "session", sessionId: "S-1" })).toBe("wrong_binding");
    const lost: Grant = { role: "worker", subject: "x", verbs: GATE.worker };
    expect(judge(lost, "post_result", step, open)).toBe("wrong_binding");
  });

  it("of the host cover everything", () => {
    const targets: readonly Target[] = [step, { kind: "host" }, { kind: "session", sessionId: "S" }, { kind: "none" }];
    for (const verb of VERBS) for (const target of targets) expect(judge(HOST_GRANT, verb, target)).toBeUndefined();
  });
});
