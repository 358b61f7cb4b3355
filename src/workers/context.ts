/**
 * What an agent knows beside its input: the context view, filtered by the agent's policy.
 *
 * C1  The policy filters the view only. The host's own decisions (fold mode, projection roots) read `call.context`, so
 *     that a policy can hide a key from an agent without switching off what the host does with it.
 * C2  Identity (task_id, agent, attempt) is never filtered.
 */
import type { ContextPolicy } from "../blueprint/schema.ts";
import type { StepCall } from "../engine/index.ts";
import { type Json, type JsonObject, setOwn } from "../flow/index.ts";

/** What one attempt's agent may see. A named key that is absent or not of its type is left out; so is an empty `extra`. */
export interface AgentContextView {
  /** The step's id. */
  readonly task_id: string;
  readonly agent: string;
  readonly attempt: number;
  readonly project_root?: string;
  readonly work_dir?: string;
  readonly task_metadata?: Json;
  readonly run_id?: string;
  readonly project_name_alias?: string;
  /** Every other key that a context tier supplied. */
  readonly extra?: JsonObject;
}

const TEXT_KEYS = new Set(["project_root", "work_dir", "project_name_alias"]);

/** Keys by which layers tell the host, not the agent; `run_id` is identity. */
const HOST_KEYS = new Set(["run_id", "worker_binding", "data_sink_endpoint", "input_refs", "operator_kinds"]);

/** Whether the policy lets `name` through: not excluded, and included where there is a list of inclusions. */
export function allows(policy: ContextPolicy | undefined, name: string): boolean {
  if (policy === undefined) return true;
  if (policy.exclude.includes(name)) return false;
  return policy.include === undefined || policy.include.includes(name);
}

/** The view of an attempt. `policy` absent: pass all. */
export function contextView(call: StepCall, policy: ContextPolicy | undefined): AgentContextView {
  const named: Record<string, Json> = {};
  let extra: Record<string, Json> | undefined;
  for (const [key, value] of Object.entries(call.context)) {
    if (HOST_KEYS.has(key) || !allows(policy, key)) continue;
    if (TEXT_KEYS.has(key)) {
      if (typeof value === "string") named[key] = value;
    } else if (key === "task_metadata") {
      named[key] = value;
    } else {
      extra ??= {};
      setOwn(extra, key, value);
    }
  }
  return {
    task_id: call.stepId,
    agent: call.agent,
    attempt: call.attempt,
    ...named,
    ...(allows(policy, "run_id") ? { run_id: call.runId } : {}),
    ...(extra === undefined ? {} : { extra }),
  };
}
