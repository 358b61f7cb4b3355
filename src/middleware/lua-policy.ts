/**
 * A policy in Lua: how its hooks are called, and what their answers mean.
 *
 * Owns: the chunk around the author's, the shapes that go in and come out. Does not own: when they are called, and what is
 * kept of them (lua-layer.ts), the sandbox (src/lua).
 *
 * The author's chunk defines `before` and `after` as globals, or returns a table with them. Each hook runs in a pristine
 * sandbox: the policy has no memory of its own, reaches nothing, and knows the time only as the call tells it.
 */
import type { StepCall, StepOutcome } from "../engine/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";
import { LuaError, type LuaImage } from "../lua/index.ts";
import { MiddlewareError } from "./errors.ts";
import type { LayerParts } from "./layer-parts.ts";

/** What `before` decides. Empty: the step goes on as it is. */
export interface BeforeDecision {
  /** The agent that serves instead. */
  readonly route?: string;
  /** Why the step does not start. */
  readonly refuse?: string;
  /** The input instead. */
  readonly input?: Json;
}

/** What `after` decides. Empty: the outcome stays. */
export interface AfterDecision {
  /** Why the step fails after all. */
  readonly refuse?: string;
  /** The worker is called once more. */
  readonly retry?: true;
  /** The outcome instead. */
  readonly outcome?: { readonly kind: "pass" | "blocked" | "skip"; readonly value: Json };
}

const VERDICTS: ReadonlySet<Json> = new Set(["pass", "blocked", "skip"]);

/** The policy of one Blueprint version. */
export class LuaPolicy {
  readonly #image: LuaImage;
  readonly #parts: Pick<LayerParts, "lua" | "clock">;

  constructor(source: string, label: string, parts: Pick<LayerParts, "lua" | "clock">) {
    this.#image = { source: wrapped(source), chunkName: label, host: [], kind: "worker" };
    this.#parts = parts;
  }

  /** Asks `before`. @throws MiddlewareError `policy_failed`. */
  async before(call: StepCall): Promise<BeforeDecision> {
    const answer = await this.#ask("before", call, {});
    return answer === null ? {} : beforeDecision(answer);
  }

  /** Asks `after`. @param tries how often the worker was called. @throws MiddlewareError `policy_failed`. */
  async after(call: StepCall, outcome: StepOutcome, tries: number): Promise<AfterDecision> {
    const answer = await this.#ask("after", call, { _OUTCOME: outcomeFacts(outcome), _TRIES: tries });
    return answer === null ? {} : afterDecision(answer, outcome);
  }

  async #ask(hook: "before" | "after", call: StepCall, more: JsonObject): Promise<JsonObject | null> {
    const { lua, clock } = this.#parts;
    let answer: Json;
    try {
      const { value } = await lua.invoke({
        image: this.#image,
        globals: { _HOOK: hook, _CALL: callFacts(call), ...more },
        seed: `${call.idempotencyKey}/${hook}`,
        nowMs: clock.now(),
        signal: call.signal,
      });
      answer = value;
    } catch (cause) {
      if (!(cause instanceof LuaError)) throw cause;
      throw failed(`${hook}: ${cause.message}`);
    }
    if (answer === null || isJsonObject(answer)) return answer;
    throw failed(`${hook} must return a table or nothing`);
  }
}

/** Lines stay the author's own. */
function wrapped(source: string): string {
  return [
    `local policy = (function(...) ${source}`,
    "end)(...)",
    "local hook = type(policy) == 'table' and policy[_HOOK] or _G[_HOOK]",
    "if hook == nil then return nil end",
    "local call = _CALL",
    "call.tries = _TRIES",
    "return hook(call, _OUTCOME)",
  ].join("\n");
}

function callFacts({ runId, key, attempt, stepId, agent, input, context }: StepCall): JsonObject {
  return { run_id: runId, key, attempt, task_id: stepId, agent, input, context };
}

function outcomeFacts(outcome: StepOutcome): JsonObject {
  return {
    kind: outcome.kind,
    ok: outcome.kind === "pass" || outcome.kind === "skip",
    ...("value" in outcome && outcome.value !== undefined ? { value: outcome.value } : {}),
    ...("error" in outcome ? { error: { ...outcome.error } } : {}),
    ...(outcome.stats === undefined ? {} : { stats: { ...outcome.stats } as JsonObject }),
  };
}

function beforeDecision(answer: JsonObject): BeforeDecision {
  checkKeys("before", answer, ["route", "refuse", "input"]);
  const input = ownValue(answer, "input");
  return {
    ...text("before", answer, "route"),
    ...text("before", answer, "refuse"),
    ...(input === undefined ? {} : { input }),
  };
}

function afterDecision(answer: JsonObject, outcome: StepOutcome): AfterDecision {
  checkKeys("after", answer, ["refuse", "retry", "value", "ok", "verdict"]);
  if (ownValue(answer, "retry") === true) return { retry: true };
  const refusal = text("after", answer, "refuse");
  if ("refuse" in refusal) return refusal;
  const value = ownValue(answer, "value");
  const ok = ownValue(answer, "ok");
  const verdict = ownValue(answer, "verdict") ?? (typeof ok === "boolean" ? (ok ? "pass" : "blocked") : undefined);
  if (value === undefined && verdict === undefined) return {};
  const kind = verdict ?? (outcome.kind === "blocked" || outcome.kind === "skip" ? outcome.kind : "pass");
  if (!VERDICTS.has(kind)) throw failed("after: verdict must be 'pass', 'blocked' or 'skip'");
  const former = "value" in outcome ? (outcome.value ?? null) : null;
  return { outcome: { kind: kind as "pass" | "blocked" | "skip", value: value ?? former } };
}

function text<K extends string>(hook: string, answer: JsonObject, key: K): { readonly [P in K]?: string } {
  const value = ownValue(answer, key);
  if (value === undefined) return {};
  if (typeof value !== "string") throw failed(`${hook}: ${key} must be a text`);
  return { [key]: value } as { readonly [P in K]?: string };
}

function checkKeys(hook: string, answer: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(answer).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw failed(`${hook} returned '${unknown}', which means nothing; it may return ${known.join(", ")}`);
}

function failed(what: string): MiddlewareError {
  return new MiddlewareError("policy_failed", `the Lua policy failed: ${what}`);
}
