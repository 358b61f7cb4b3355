/**
 * The lua-layer: a policy in Lua (lua-policy.ts) that may route, refuse, retry, or rewrite input and outcome.
 *
 * Y1  Every decision is durable in the attempt's memo before it is carried out, and is never made again: a later life of
 *     the attempt reads it. `before` is asked once an attempt, `after` once a call of the worker.
 * Y2  A step that is handed to an operator is entered again after a restart, as an operator's own steps are.
 * Y3  A policy whose `before` fails, fails the step. One whose `after` fails leaves the outcome, and a warning says so.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import { MiddlewareError, refusal } from "./errors.ts";
import type { LayerParts } from "./layer-parts.ts";
import { type AfterDecision, type BeforeDecision, LuaPolicy } from "./lua-policy.ts";
import { type RepeatingLayer, repeating } from "./stack.ts";

const LABEL = "policy.lua";
const MAX_RETRIES = 3;

/** The layer. Ends a step with `policy_refused` or `policy_failed` where the policy does. */
export function luaLayer(
  options: NonNullable<LayerOptions["lua_layer"]>,
  parts: Pick<LayerParts, "lua" | "clock" | "compiled">,
): RepeatingLayer {
  const { source, label = LABEL, max_retries: maxRetries = MAX_RETRIES } = options;
  const policy = new LuaPolicy(source, label, parts);
  const { agents } = parts.compiled;

  const before = (call: StepCall): Promise<BeforeDecision> =>
    kept(call, "lua_layer/before", async () => {
      const decision = await policy.before(call);
      const { route } = decision;
      if (route === undefined || agents.has(route)) return decision;
      const known = [...agents.keys()].map((name) => `'${name}'`).join(", ");
      const message = `the Lua policy failed: before routes to '${route}', which is no agent; there are ${known}`;
      throw new MiddlewareError("policy_failed", message);
    });

  const after = async (call: StepCall, outcome: StepOutcome, tries: number): Promise<AfterDecision> => {
    try {
      return await kept(call, `lua_layer/after-${tries}`, () => policy.after(call, outcome, tries));
    } catch (cause) {
      if (!(cause instanceof MiddlewareError)) throw cause;
      call.emit({ type: "warning", code: "lua_layer", message: `${cause.message}; the outcome stays` });
      return {};
    }
  };

  const layer: SpawnerLayer = function luaLayerOf(next) {
    return async (call) => {
      try {
        const decided = await before(call);
        if (decided.refuse !== undefined) return refusal("policy_refused", refused(call, decided.refuse));
        const passed = await changed(call, decided, (agent) => agents.get(agent)?.plan.kind === "operator");
        for (let tries = 1; ; tries += 1) {
          const outcome = await next(passed);
          if (call.signal.aborted || outcome.kind === "cancelled") return outcome;
          const verdict = await after(passed, outcome, tries);
          if (verdict.refuse !== undefined) return refusal("policy_refused", refused(call, verdict.refuse));
          if (verdict.outcome !== undefined) return { ...verdict.outcome, ...statsOf(outcome) };
          if (verdict.retry === undefined || tries > maxRetries) return outcome;
        }
      } catch (cause) {
        if (call.signal.aborted) return { kind: "cancelled" };
        if (cause instanceof MiddlewareError && cause.code === "policy_failed")
          return refusal("policy_failed", `step ${call.key} of '${call.agent}': ${cause.message}`);
        throw cause;
      }
    };
  };
  return repeating(layer);
}

/** The decision as it was made first (Y1). */
async function kept<D extends object>(call: StepCall, name: string, decide: () => Promise<D>): Promise<D> {
  const known = call.memo.get(name);
  if (known !== undefined) return known as unknown as D;
  const decision = await decide();
  await call.memo.put(name, decision as unknown as Json);
  return decision;
}

async function changed(
  call: StepCall,
  { route, input }: BeforeDecision,
  isOutside: (agent: string) => boolean,
): Promise<StepCall> {
  if (route !== undefined && isOutside(route)) await call.memo.put("lua_layer/route", route, { attach: true });
  return { ...call, ...(route === undefined ? {} : { agent: route }), ...(input === undefined ? {} : { input }) };
}

function refused({ key, agent }: StepCall, why: string): string {
  return `the Lua policy refused step ${key} of '${agent}': ${why}`;
}

function statsOf({ stats }: StepOutcome): Pick<StepOutcome, "stats"> {
  return stats === undefined ? {} : { stats };
}
