/**
 * The deduplicate layer: equal steps that are under way at once share one worker's outcome.
 *
 * Equal are steps of one agent with equal input and context. The first calls the worker; the others wait for its outcome.
 * Where the first is aborted, one of the others takes its place. What an outcome took is counted once: only the first
 * reports stats.
 */
import canonicalize from "canonicalize";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, StepOutcome } from "../engine/index.ts";
import { untilAborted } from "./until-aborted.ts";

/** The layer, with its own table of what is under way. */
export function deduplicate({ scope = "run" }: NonNullable<LayerOptions["deduplicate"]>): SpawnerLayer {
  const underWay = new Map<string, Promise<StepOutcome | undefined>>();

  /** The outcome, or undefined where the first was aborted and its outcome is its own. */
  const lead = async (identity: string, run: () => Promise<StepOutcome>, call: StepCall): Promise<StepOutcome> => {
    const shared = Promise.withResolvers<StepOutcome | undefined>();
    underWay.set(identity, shared.promise);
    let outcome: StepOutcome | undefined;
    try {
      outcome = await run();
      return outcome;
    } finally {
      underWay.delete(identity);
      shared.resolve(call.signal.aborted ? undefined : outcome);
    }
  };

  return function deduplicateLayer(next) {
    return async (call) => {
      const identity = identityOf(call, scope);
      for (;;) {
        const first = underWay.get(identity);
        if (first === undefined) return lead(identity, () => next(call), call);
        const outcome = await untilAborted(first, call.signal);
        if (call.signal.aborted) return { kind: "cancelled" };
        if (outcome === undefined) continue;
        const { stats: _stats, ...shared } = outcome;
        return shared as StepOutcome;
      }
    };
  };
}

function identityOf({ runId, agent, input, context }: StepCall, scope: "run" | "host"): string {
  return canonicalize([scope === "run" ? runId : "", agent, input, context]) as string;
}
