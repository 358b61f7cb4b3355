/**
 * The swarm worker: a step that another Blueprint does, in a run of its own.
 *
 * Owns: how the step's input becomes the child's, and what the child's end means for the step. Does not own: starting the
 * child, waiting for it, or stopping it (ChildRuns).
 *
 * U1  It is entered again after a restart, and then asks for nothing new (engine/attempt.ts T3).
 * U2  A child that failed is a failed attempt: a retry starts another child.
 */
import type { CompiledAgent } from "../blueprint/compiled.ts";
import { FlowPath, isJsonObject, type Json, type JsonObject, lookupPath, writePath } from "../flow/index.ts";
import type { ChildEnd, ChildRuns } from "./child-runs.ts";
import { clip, WorkerError } from "./errors.ts";
import type { Worker, WorkerAnswer } from "./worker.ts";

type SwarmPlan = Extract<CompiledAgent["plan"], { readonly kind: "swarm" }>;

/** A worker that runs a Blueprint. Fails with one of the `swarm_*` codes. */
export function swarmWorker(agent: CompiledAgent, plan: SwarmPlan, children: ChildRuns): Worker {
  const into = plan.input === undefined ? undefined : FlowPath.parse(plan.input);
  const from = plan.output === undefined ? undefined : FlowPath.parse(plan.output);
  return async ({ call }) => {
    const end = await children.see(call, () => ({
      target: plan.blueprint,
      input: childInput(agent.name, call.input, into),
    }));
    return answerOf(agent.name, end, from);
  };
}

function childInput(agent: string, input: Json, into: FlowPath | undefined): JsonObject {
  const ctx = into === undefined ? input : writePath(into, {}, input);
  if (isJsonObject(ctx)) return ctx;
  throw new WorkerError(
    "swarm_input",
    `the input of agent '${agent}' is not an object, and a run starts from one: make it one, or say with spec.input where in it the input goes`,
    { details: { agent } },
  );
}

function answerOf(agent: string, end: ChildEnd, from: FlowPath | undefined): WorkerAnswer {
  const report = { stats: { worker_kind: "swarm", adapter_data: { run_id: end.runId } } };
  const failed = (
    code: "swarm_failed" | "swarm_cancelled" | "swarm_lost" | "swarm_output",
    what: string,
  ): WorkerError =>
    new WorkerError(code, `the child run ${end.runId} of agent '${agent}' ${clip(what, 2000)}`, {
      details: { agent, run_id: end.runId },
      report,
    });
  switch (end.status) {
    case "done": {
      const value = from === undefined ? end.ctx : lookupPath(from, end.ctx);
      if (value === undefined) throw failed("swarm_output", `ended with nothing at ${from?.text ?? "$"} (spec.output)`);
      return { ...report, value, verdict: "pass" };
    }
    case "failed":
      throw failed("swarm_failed", `failed: ${end.message}`);
    case "cancelled":
      throw failed("swarm_cancelled", `was cancelled: ${end.reason}`);
    case "lost":
      throw failed("swarm_lost", end.message);
  }
}
