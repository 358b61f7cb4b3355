/**
 * The main-ai layer: tells the AI main agent of a step before it starts, which it may refuse, and when it has ended.
 *
 * Only where the operator kind says that a main agent takes part (seats.ts), and the host can ask seats.
 */
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import { isJsonObject, type Json } from "../flow/index.ts";
import type { Consult, HookReply } from "./consult.ts";
import { refusal } from "./errors.ts";
import { operatorKind, type SeatedBlueprint, seatOf } from "./seats.ts";

const BEFORE = "main_ai/before";

/** The layer. A step that the main agent refuses ends with `hook_refused`; what it says afterwards changes nothing. */
export function mainAi(
  options: NonNullable<LayerOptions["main_ai"]>,
  { compiled, consult }: { readonly compiled: SeatedBlueprint; readonly consult?: Consult },
): SpawnerLayer {
  return function mainAiLayer(next) {
    return async (call) => {
      const seat = options.seat ?? seatOf(compiled, call.agent);
      if (consult === undefined || seat === undefined) return next(call);
      if (operatorKind(compiled, call.agent, call.context) === "automate") return next(call);
      const before = await hookBefore(consult, call, seat);
      if (before === undefined) return { kind: "cancelled" };
      if (!before.ok) {
        const why = before.reason === undefined ? "" : `: ${before.reason}`;
        return refusal(
          "hook_refused",
          `the main agent in seat '${seat}' refused step ${call.key} of '${call.agent}'${why}`,
        );
      }
      const outcome = await next(call);
      if (!call.signal.aborted) await tellAfter(consult, call, { seat, result: resultOf(outcome) });
      return outcome;
    };
  };
}

/** Asked once an attempt: the word is kept, so that a restart does not ask again. Undefined: aborted meanwhile. */
async function hookBefore(consult: Consult, call: StepCall, seat: string): Promise<HookReply | undefined> {
  const kept = call.memo.get(BEFORE);
  if (isJsonObject(kept) && typeof kept["ok"] === "boolean") return kept as unknown as HookReply;
  try {
    await call.memo.put(BEFORE, { asked: seat }, { attach: true });
    const { ok, reason } = await consult.hookBefore(call, { seat });
    const reply = { ok, ...(reason === undefined ? {} : { reason }) };
    await call.memo.put(BEFORE, reply);
    return reply;
  } catch (cause) {
    if (call.signal.aborted) return undefined;
    throw cause;
  }
}

async function tellAfter(consult: Consult, call: StepCall, hook: { seat: string; result: Json }): Promise<void> {
  try {
    await consult.hookAfter(call, hook);
  } catch (cause) {
    const message = `the main agent could not be told of the end of step ${call.key}: ${(cause as Error).message}`;
    call.emit({ type: "warning", code: "main_ai", message });
  }
}

function resultOf(outcome: StepOutcome): Json {
  if ("value" in outcome && outcome.value !== undefined) return outcome.value;
  return "error" in outcome ? outcome.error.message : null;
}
