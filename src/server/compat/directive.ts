/**
 * What a driver, a language model as a rule, is told to do about a step: text in the order of the reference's, in our words.
 *
 * Each line about the context is there where the context has it; nothing is made up.
 */
import { type AgentContextView, contextHeader, directiveText, type RequestFrame } from "../../host.ts";

/** What is told. */
export interface DirectiveParts {
  readonly request: RequestFrame;
  /** What the step's agent may see. */
  readonly context: AgentContextView | undefined;
  /** Where workers fetch and submit. */
  readonly baseUrl: string;
}

/** The directive of a step. */
export function directive({ request, context, baseUrl }: DirectiveParts): string {
  const { agent, attempt, step, run, handle, worker, delivery, directive: seed } = request;
  const lines = [
    `dispatch=@${agent} attempt=${attempt}`,
    "The worker speaks to these endpoints, with `Authorization: Bearer <worker_handle>`:",
    `  GET  ${baseUrl}/v1/worker/prompt?task_id=${step}`,
    `  POST ${baseUrl}/v1/worker/submit`,
    `  POST ${baseUrl}/v1/worker/artifact?name=<name>`,
    `task_id: ${step}`,
    `agent_id: ${agent}`,
    ...(context === undefined ? [] : contextHeader(context).split("\n").filter(isSaid)),
    `run_id: ${run}`,
    ...(delivery > 1
      ? [`delivery: ${delivery} (the same request as before: where a worker has it already, start no other)`]
      : []),
    worker === undefined
      ? "Have the step done with exactly these four lines:"
      : `Start the sub-agent '${worker.variant}', and no other in its place, with exactly these four lines:`,
    `agent_id: ${agent}`,
    `worker_handle: ${handle}`,
    `base_url: ${baseUrl}`,
    `task_id: ${step}`,
    "When it has finished, answer with spawn_ack and the value {}.",
    ...(seed === undefined || seed === null ? [] : [`task_directive: ${directiveText(seed)}`]),
  ];
  return lines.join("\n");
}

function isSaid(line: string): boolean {
  return line !== "";
}
