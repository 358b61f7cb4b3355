/**
 * The after-run-audit layer: lets the Blueprint's auditors look at steps after they ran. It never changes an outcome.
 *
 * What an auditor finds is the artifact `audit:<ref>` of the audited step. A `sync` audit is waited for, and its finding is
 * kept in the journal as a memo of the attempt; an `async` one goes on beside the flow (audit-tasks.ts).
 *
 * A1  Auditors are dispatched to the spawner itself: no layer sees them, and no auditor is audited.
 * A2  An attempt is audited where its worker gave a verdict: pass, blocked or skip.
 * A3  An audit that fails is a warning.
 */
import { hash } from "node:crypto";
import { type AuditDef, auditsOf } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import type { JsonObject, StepKey } from "../flow/index.ts";
import type { LayerParts } from "./layer-parts.ts";
import { untilAborted } from "./until-aborted.ts";

const INSTRUCTION =
  "Inspect the step above after its run: look for degraded results, failed tools and silent fallbacks. Report what you find as one JSON object.";

/** The layer. */
export function afterRunAudit({
  compiled,
  spawner,
  clock,
  audits,
}: Pick<LayerParts, "compiled" | "spawner" | "clock" | "audits">): SpawnerLayer {
  const run = async (
    call: StepCall,
    { agent, mode }: AuditDef,
    outcome: StepOutcome,
    signal: AbortSignal,
  ): Promise<void> => {
    const kept = `after_run_audit/${agent}`;
    if (call.memo.get(kept) !== undefined) return;
    const timeoutMs = compiled.agents.get(agent)?.policy.timeoutMs;
    const deadline = timeoutMs === undefined ? {} : { deadline: clock.now() + timeoutMs };
    try {
      const found = await spawner(auditCall(call, agent, outcome, { signal, ...deadline }));
      if (found.kind !== "pass" && found.kind !== "blocked") throw new Error(failureOf(found));
      call.emit({ type: "artifact", name: `audit:${call.agent}`, content: found.value });
      if (mode === "sync" && !call.signal.aborted) await call.memo.put(kept, found.value);
    } catch (cause) {
      if (signal.aborted) return;
      const message = `the audit of step ${call.key} by '${agent}' failed: ${(cause as Error).message}`;
      call.emit({ type: "warning", code: "after_run_audit", message });
    }
  };

  return function afterRunAuditLayer(next) {
    return async (call) => {
      const outcome = await next(call);
      if (outcome.kind !== "pass" && outcome.kind !== "blocked" && outcome.kind !== "skip") return outcome;
      for (const audit of auditsOf(compiled, call.agent)) {
        if (audit.mode === "async") audits.start(call.runId, (signal) => run(call, audit, outcome, signal));
        else await untilAborted(run(call, audit, outcome, call.signal), call.signal);
      }
      return outcome;
    };
  };
}

/** The call of an auditor: a step of its own, so that nothing that is kept by step or attempt is mixed up. */
function auditCall(
  call: StepCall,
  agent: string,
  outcome: StepOutcome,
  more: Pick<StepCall, "signal"> & { readonly deadline?: number },
): StepCall {
  const { deadline: _deadline, ...audited } = call;
  const key: StepKey = `${call.key}.audit(${agent})`;
  const input: JsonObject = {
    kind: "after_run_audit",
    task_id: call.stepId,
    step_ref: call.agent,
    attempt: call.attempt,
    ok: outcome.kind !== "blocked",
    final_value: "value" in outcome ? (outcome.value ?? null) : null,
    instruction: INSTRUCTION,
  };
  return {
    ...audited,
    ...more,
    key,
    stepId: `ST-${hash("sha256", `${call.runId}/${key}`).slice(0, 16)}`,
    agent,
    input,
    idempotencyKey: `${call.runId}/${key}/${call.attempt}`,
    // An audit has no place of its own in the journal: it neither keeps, rests nor extends.
    memo: { get: () => undefined, put: async () => {} },
    rest: () => () => {},
    extend: async () => {},
  };
}

function failureOf(outcome: StepOutcome): string {
  return "error" in outcome ? outcome.error.message : `it ended as ${outcome.kind}`;
}
