/**
 * The operator worker: a step that is done outside, by whoever holds the agent's seat.
 *
 * Owns: what the step's request says, and what a reply means for the step. Does not own: the request, its delivery or its
 * redelivery (src/operators).
 *
 * U1  It is entered again after a restart, and then asks for nothing new (engine/attempt.ts T3): the prompt is not even
 *     rendered again where the request is there.
 */
import type { CompiledAgent } from "../blueprint/compiled.ts";
import { reportOf } from "../engine/index.ts";
import { type JsonObject, ownValue } from "../flow/index.ts";
import { clip, WorkerError } from "./errors.ts";
import type { OperatorRequests, OperatorTask, RequestTerms } from "./operator-task.ts";
import { promptTemplate } from "./prompt-template.ts";
import type { Worker } from "./worker.ts";

type OperatorPlan = Extract<CompiledAgent["plan"], { readonly kind: "operator" }>;

/** A worker that asks a seat. Fails with `prompt_template`, or with `operator_error` where the operator says so. */
export function operatorWorker(agent: CompiledAgent, plan: OperatorPlan, requests: OperatorRequests): Worker {
  const template = plan.systemPrompt === "" ? undefined : promptTemplate(agent.name, plan.systemPrompt);
  return async ({ call, view }) => {
    const reply = await requests.see(call, async (): Promise<OperatorTask> => {
      const system = await template?.render(call.input);
      return {
        seat: plan.seat,
        directive: call.input,
        context: view,
        terms: termsOf(agent, call.context),
        ...(system === undefined ? {} : { system }),
        ...(plan.binding === undefined ? {} : { worker: plan.binding }),
        ...(call.deadline === undefined ? {} : { deadline: call.deadline }),
      };
    });
    const report = { ...reportOf(reply), stats: { worker_kind: "operator", ...reply.stats } };
    switch (reply.kind) {
      case "final": {
        const { value, verdict, parts } = reply;
        return { ...report, value, verdict, parts };
      }
      case "halt":
        return { ...report, value: reply.value, verdict: "pass", unjudged: true };
      case "error":
        throw new WorkerError(
          "operator_error",
          `the operator in seat '${plan.seat}' says: ${clip(reply.message, 2000)}`,
          { details: { agent: agent.name, seat: plan.seat }, report },
        );
    }
  };
}

function termsOf({ verdict, contextPolicy }: CompiledAgent, context: JsonObject): RequestTerms {
  const format = ownValue(context, "submit_format");
  const workDir = ownValue(context, "work_dir");
  const projectRoot = ownValue(context, "project_root");
  return {
    ...(verdict === undefined ? {} : { verdict }),
    ...(format === "json" || format === "text" ? { submitFormat: format } : {}),
    ...(ownValue(context, "allow_file_submit") === true ? { allowFileSubmit: true } : {}),
    ...(typeof workDir === "string" ? { workDir } : {}),
    ...(typeof projectRoot === "string" ? { projectRoot } : {}),
    ...(contextPolicy === undefined ? {} : { contextPolicy }),
  };
}
