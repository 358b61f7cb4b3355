/**
 * The Lua worker: an agent's chunk, run once per attempt in a pristine sandbox.
 *
 * Owns: the globals a chunk sees, the meaning of what it returns, its limits and its host functions.
 * Does not own: the sandbox (src/lua).
 */
import type { CompiledAgent } from "../blueprint/compiled.ts";
import type { Clock, StepCall } from "../engine/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";
import {
  LuaError,
  type LuaImage,
  type LuaInvocation,
  type LuaLimits,
  type LuaResult,
  WORKER_LIMITS,
} from "../lua/index.ts";
import type { AgentContextView } from "./context.ts";
import { directiveText } from "./directive.ts";
import { WorkerError } from "./errors.ts";
import { parseJson } from "./json-value.ts";
import { skippedValue } from "./skip-marker.ts";
import type { Worker, WorkerAnswer, WorkerJob } from "./worker.ts";

/** A Lua script that the host registers, for agents with `fn_id`. */
export interface LuaScript {
  readonly source: string;
  /** Chunk name in errors. */
  readonly label: string;
}

/** What a host function knows of its caller. */
export interface HostCall extends Pick<StepCall, "runId" | "key" | "attempt" | "stepId" | "agent" | "idempotencyKey"> {
  /** Aborted when the invocation ends before the answer is there. */
  readonly signal: AbortSignal;
  readonly context: AgentContextView;
}

/** A function that Lua agents reach as `host.<name>(arg)` where they are granted it. What it throws is raised in Lua. */
export type HostFunction = (arg: Json, call: HostCall) => Json | Promise<Json>;

/** What Lua agents need of the host. */
export interface LuaParts {
  /** The pool. */
  readonly lua: { invoke(invocation: LuaInvocation): Promise<LuaResult> };
  readonly luaScripts: ReadonlyMap<string, LuaScript>;
  readonly hostFunctions: ReadonlyMap<string, HostFunction>;
  readonly clock: Pick<Clock, "now">;
}

type LuaPlan = Extract<CompiledAgent["plan"], { readonly kind: "lua" }>;

const STATS = Object.freeze({ worker_kind: "lua" });

/** Longest time a Lua limit can be set to, in milliseconds. */
const MAX_LIMIT_MS = 24 * 3_600_000;

/** A worker that runs an agent's chunk. Fails with the Lua layer's codes, or `lua_script_unknown`. */
export function luaWorker(agent: CompiledAgent, plan: LuaPlan, parts: LuaParts): Worker {
  const limits = limitsOf(agent);
  let image: LuaImage | undefined;
  return async (job) => {
    image ??= imageOf(agent.name, plan, parts.luaScripts);
    const { call } = job;
    try {
      const result = await parts.lua.invoke({
        image,
        globals: globalsOf(job),
        seed: call.idempotencyKey,
        nowMs: parts.clock.now(),
        signal: call.signal,
        ...(limits === undefined ? {} : { limits }),
        ...(plan.host.length === 0 ? {} : { host: hostOf(job, parts.hostFunctions) }),
      });
      tellPrinted(call, result.printed);
      return answerOf(result.value);
    } catch (cause) {
      if (!(cause instanceof LuaError)) throw cause;
      tellPrinted(call, cause.printed ?? []);
      throw new WorkerError(cause.code, `agent '${agent.name}': ${placed(cause)}`, { cause, details: placeOf(cause) });
    }
  };
}

function tellPrinted(call: StepCall, printed: readonly string[]): void {
  for (const line of printed) call.emit({ type: "progress", stage: "print", note: line });
}

function imageOf(agent: string, plan: LuaPlan, scripts: ReadonlyMap<string, LuaScript>): LuaImage {
  const script = plan.source === undefined ? scripts.get(plan.fnId ?? "") : { source: plan.source, label: plan.label };
  if (script === undefined) {
    const known = scripts.size === 0 ? "none" : [...scripts.keys()].map((id) => `'${id}'`).join(", ");
    throw new WorkerError(
      "lua_script_unknown",
      `agent '${agent}' wants the Lua script '${plan.fnId ?? ""}'; this host has ${known}`,
    );
  }
  return { source: script.source, chunkName: script.label, host: plan.host, kind: "worker" };
}

/** An agent that may take longer than a chunk's default time may also compute longer. */
function limitsOf({ policy }: CompiledAgent): Partial<LuaLimits> | undefined {
  if (policy.timeoutMs === undefined) return undefined;
  const allowed = Math.min(policy.timeoutMs, MAX_LIMIT_MS);
  return { cpuMs: Math.max(WORKER_LIMITS.cpuMs, allowed), wallMs: Math.max(WORKER_LIMITS.wallMs, allowed) };
}

function globalsOf({ call, view }: WorkerJob): JsonObject {
  const prompt = directiveText(call.input);
  const ctx = typeof call.input === "string" ? parseJson(call.input) : { ok: true as const, value: call.input };
  return {
    _PROMPT: prompt,
    _AGENT: call.agent,
    _TASK_ID: call.stepId,
    _ATTEMPT: call.attempt,
    ...(ctx.ok ? { _CTX: ctx.value } : {}),
    ...(view.task_metadata === undefined ? {} : { _TASK_METADATA: view.task_metadata }),
    ...(view.extra === undefined ? {} : { _AGENT_CTX: view.extra }),
  };
}

function hostOf({ call, view }: WorkerJob, functions: LuaParts["hostFunctions"]): NonNullable<LuaInvocation["host"]> {
  const { runId, key, attempt, stepId, agent, idempotencyKey } = call;
  return async (name, arg, signal) => {
    const run = functions.get(name);
    if (run === undefined) throw new Error(`this host has no function '${name}' for Lua agents`);
    return run(arg, { runId, key, attempt, stepId, agent, idempotencyKey, signal, context: view });
  };
}

/** A table with `value` or `ok` says both; any other value is itself, passing. So is the skip marker, which has a `value`. */
function answerOf(returned: Json): WorkerAnswer {
  if (!isJsonObject(returned) || skippedValue(returned) !== undefined)
    return { verdict: "pass", value: returned, stats: STATS };
  const value = ownValue(returned, "value");
  const ok = ownValue(returned, "ok");
  if (value === undefined && ok === undefined) return { verdict: "pass", value: returned, stats: STATS };
  return { verdict: ok === false ? "blocked" : "pass", value: value === undefined ? returned : value, stats: STATS };
}

function placed({ message, chunk, line }: LuaError): string {
  if (chunk === undefined) return message;
  const place = line === undefined ? chunk : `${chunk}:${line}`;
  return message.includes(place) ? message : `${place}: ${message}`;
}

function placeOf({ chunk, line, traceback }: LuaError): JsonObject {
  return {
    ...(chunk === undefined ? {} : { chunk }),
    ...(line === undefined ? {} : { line }),
    ...(traceback === undefined ? {} : { traceback }),
  };
}
