import { describe, expect, it } from "vitest";
import type { AuditDef } from "../../src/blueprint/index.ts";
import type { Dispatch, StepCall, StepOutcome } from "../../src/engine/index.ts";
import { AUDIT_GRACE_MS } from "../../src/middleware/audit-tasks.ts";
import { makeAgent, makeBlueprint, makeCall } from "../workers/step-fixture.ts";
import { BLOCKED, failing, HeldWorker, layerParts, PASS, stackAround, turns } from "./layer-fixture.ts";

const plan = { kind: "function", fnId: "identity" } as const;

function audited(...audits: readonly AuditDef[]) {
  return makeBlueprint([makeAgent(plan), makeAgent(plan, { name: "auditor" })], { audits });
}

/** Answers steps with `step`, audits with `audit`, and keeps the audits. */
function workers(step: StepOutcome, audit: StepOutcome): Dispatch & { readonly audits: StepCall[] } {
  const audits: StepCall[] = [];
  const dispatch: Dispatch = async (call) => {
    if (call.agent !== "auditor") return step;
    audits.push(call);
    return audit;
  };
  return Object.assign(dispatch, { audits });
}

const sync: AuditDef = { agent: "auditor", mode: "sync" };
const found: StepOutcome = { kind: "pass", value: { degraded: false } };

describe("an audit after a step", () => {
  it("is told of the step, and its finding is the step's artifact", async () => {
    const worker = workers(PASS, found);
    const call = makeCall();
    expect(await stackAround(worker, { compiled: audited(sync) })(call)).toEqual(PASS);
    expect(worker.audits[0]).toMatchObject({
      agent: "auditor",
      input: {
        kind: "after_run_audit",
        task_id: call.stepId,
        step_ref: "scout",
        attempt: 1,
        ok: true,
        final_value: "done",
        instruction: expect.any(String),
      },
    });
    expect(worker.audits[0]?.stepId).toMatch(/^ST-[0-9a-f]{16}$/);
    expect(worker.audits[0]?.stepId).not.toBe(call.stepId);
    expect(worker.audits[0]?.idempotencyKey).not.toBe(call.idempotencyKey);
    expect(call.events).toEqual([{ type: "artifact", name: "audit:scout", content: { degraded: false } }]);
  });

  it("sees a blocked step too, and changes nothing about it", async () => {
    const worker = workers(BLOCKED, found);
    expect(await stackAround(worker, { compiled: audited(sync) })(makeCall())).toEqual(BLOCKED);
    expect(worker.audits[0]?.input).toMatchObject({ ok: false, final_value: "no" });
  });

  it("does not look at a step that failed", async () => {
    const worker = workers(failing(), found);
    await stackAround(worker, { compiled: audited(sync) })(makeCall());
    expect(worker.audits).toEqual([]);
  });

  it("that fails changes nothing, leaves no artifact, and is a warning", async () => {
    const call = makeCall();
    expect(await stackAround(workers(PASS, failing()), { compiled: audited(sync) })(call)).toEqual(PASS);
    expect(call.events).toMatchObject([
      { type: "warning", code: "after_run_audit", message: expect.stringContaining("it went wrong") },
    ]);
  });

  it.each<[readonly string[], number]>([
    [["scout"], 1],
    [["*"], 1],
    [["another"], 0],
    [[], 0],
  ])("of the steps %j looks at the agent's %d times", async (steps, times) => {
    const worker = workers(PASS, found);
    await stackAround(worker, { compiled: audited({ ...sync, steps }) })(makeCall());
    expect(worker.audits).toHaveLength(times);
  });

  it("is never of an auditor", async () => {
    const worker = workers(PASS, found);
    await stackAround(worker, { compiled: audited(sync) })(makeCall({ agent: "auditor" }));
    expect(worker.audits).toHaveLength(1);
  });

  it("is kept, and is not held again when the attempt is entered again", async () => {
    const worker = workers(PASS, found);
    const call = makeCall();
    const stack = stackAround(worker, { compiled: audited(sync) });
    await stack(call);
    await stack(call);
    expect(worker.audits).toHaveLength(1);
    expect(call.memo.get("after_run_audit/auditor")).toEqual({ degraded: false });
  });

  it("has the auditor's own time", async () => {
    const parts = layerParts();
    const agents = [
      makeAgent(plan),
      makeAgent(plan, { name: "auditor", policy: { ...makeAgent(plan).policy, timeoutMs: 70 } }),
    ];
    const worker = workers(PASS, found);
    await stackAround(worker, { ...parts, compiled: makeBlueprint(agents, { audits: [sync] }) })(
      makeCall({ deadline: 1 }),
    );
    expect(worker.audits[0]?.deadline).toBe(layerParts().clock.now() + 70);
  });
});

describe("an audit that nobody waits for", () => {
  const detached: AuditDef = { agent: "auditor", mode: "async" };

  function begin() {
    const parts = layerParts();
    const auditor = new HeldWorker();
    const worker: Dispatch = async (call) => (call.agent === "auditor" ? auditor.dispatch(call) : PASS);
    const { audits, clock } = parts;
    return { audits, clock, auditor, stack: stackAround(worker, { audits, compiled: audited(detached) }) };
  }

  it("lets the step end first, and its run's end wait for it", async () => {
    const { audits, auditor, stack } = begin();
    const call = makeCall();
    expect(await stack(call)).toEqual(PASS);
    expect(audits.underWay).toBe(1);
    let settled = false;
    const end = audits.settle(call.runId).then(() => {
      settled = true;
    });
    await audits.settle("R-another");
    await turns();
    expect(settled).toBe(false);
    await auditor.end(found);
    await end;
    expect(call.events).toEqual([{ type: "artifact", name: "audit:scout", content: { degraded: false } }]);
    expect(audits.underWay).toBe(0);
  });

  it("is aborted where it takes too long after its run's end", async () => {
    const { audits, clock, stack } = begin();
    const call = makeCall();
    await stack(call);
    const end = audits.settle(call.runId);
    clock.advance(AUDIT_GRACE_MS);
    await end;
    expect(audits.underWay).toBe(0);
    expect(call.events).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("is waited for when the host ends, within the same bound", async () => {
    const { audits, clock, stack } = begin();
    await stack(makeCall({ runId: "R-1" }));
    await stack(makeCall({ runId: "R-2" }));
    const end = audits[Symbol.asyncDispose]();
    clock.advance(AUDIT_GRACE_MS);
    await end;
    expect(audits.underWay).toBe(0);
  });

  it("goes on where the attempt's own signal is aborted later", async () => {
    const { auditor, stack } = begin();
    const over = new AbortController();
    await stack(makeCall({ signal: over.signal }));
    over.abort();
    await turns();
    expect(auditor.calls[0]?.signal.aborted).toBe(false);
  });
});
