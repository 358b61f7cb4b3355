/** The function worker: host functions as agents. */
import type { StepCall, StepEvent } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import { clip, messageOf, WorkerError } from "./errors.ts";
import {
  type FunctionCall,
  type FunctionRegistry,
  FunctionVerdict,
  type RegisteredFunction,
} from "./function-registry.ts";
import { jsonProblem } from "./json-value.ts";
import type { StagedPart, Worker, WorkerAnswer, WorkerJob } from "./worker.ts";

const STATS = Object.freeze({ worker_kind: "function" });

/**
 * A worker that runs a registered function.
 * Fails with `function_unknown`, `function_input`, `function_output`, `function_value` or `function_error`.
 */
export function functionWorker(plan: { readonly fnId: string }, registry: FunctionRegistry): Worker {
  return async (job) => {
    const fn = registry.get(plan.fnId);
    if (fn === undefined) {
      const known = registry.list().map(({ id }) => `'${id}'`);
      throw new WorkerError(
        "function_unknown",
        `agent '${job.call.agent}' wants the function '${plan.fnId}', which this host does not have; it has ${known.join(", ")}`,
      );
    }
    const { call } = job;
    const problem = fn.inputProblem(call.input);
    if (problem !== undefined)
      throw new WorkerError("function_input", `${title(fn, call)} cannot take its input: ${problem}`);
    const parts: StagedPart[] = [];
    const returned = await answerOf(fn, job, parts);
    const { verdict, value } =
      returned instanceof FunctionVerdict ? returned : { verdict: "pass" as const, value: returned };
    const answer: WorkerAnswer = { verdict, value: checked(fn, call, verdict, value), stats: STATS };
    return parts.length === 0 ? answer : { ...answer, parts };
  };
}

function title(fn: RegisteredFunction, call: StepCall): string {
  return `function '${fn.id}' of agent '${call.agent}'`;
}

async function answerOf(fn: RegisteredFunction, job: WorkerJob, parts: StagedPart[]): Promise<unknown> {
  const { call, view } = job;
  const stage = (event: StepEvent): void => {
    if (event.type === "artifact") {
      const problem = jsonProblem(event.content);
      if (problem !== undefined)
        throw new WorkerError(
          "function_value",
          `${title(fn, call)} staged '${clip(event.name)}', which is not JSON: ${problem}`,
        );
      parts.push({ name: event.name, content: event.content });
    }
    call.emit(event);
  };
  const { runId, key, attempt, stepId, agent, idempotencyKey, signal } = call;
  const known: FunctionCall = {
    runId,
    key,
    attempt,
    stepId,
    agent,
    idempotencyKey,
    signal,
    context: view,
    emit: stage,
  };
  try {
    const returned = fn.run(call.input, known);
    return isPromise(returned) ? await unlessAborted(returned, signal) : returned;
  } catch (cause) {
    if (cause instanceof WorkerError) throw cause;
    throw new WorkerError("function_error", `${title(fn, call)} failed: ${messageOf(cause)}`, { cause });
  }
}

function checked(fn: RegisteredFunction, call: StepCall, verdict: WorkerAnswer["verdict"], value: unknown): Json {
  const problem = jsonProblem(value);
  if (problem !== undefined)
    throw new WorkerError("function_value", `${title(fn, call)} did not answer JSON: ${problem}`);
  const misfit = verdict === "pass" ? fn.outputProblem(value as Json) : undefined;
  if (misfit !== undefined)
    throw new WorkerError("function_output", `${title(fn, call)} broke its output schema: ${misfit}`);
  return value as Json;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The promise, or a rejection as soon as the signal is aborted: a function that ignores its signal holds nothing up. */
async function unlessAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(new Error("the attempt was given up"));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
