/**
 * The retry layer: repeats failures at once, within the attempt. For what must survive a restart there is the agent's
 * `policy.retry`, which the kernel journals.
 */
import { ExponentialBackoff, handleWhenResult, retry as retryPolicy } from "cockatiel";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepOutcome } from "../engine/index.ts";
import { type RepeatingLayer, repeating } from "./stack.ts";
import { untilAborted } from "./until-aborted.ts";

/** The layer. Only what is worth repeating is: errors and timeouts that say they are retryable, while nothing is aborted. */
export function retry(options: NonNullable<LayerOptions["retry"]>): RepeatingLayer {
  const { attempts = 3, backoff_ms: initialDelay = 100, max_backoff_ms: maxDelay = 10_000 } = options;
  const policy = retryPolicy(handleWhenResult(isWorthRepeating), {
    // What cockatiel calls attempts are the tries after the first.
    maxAttempts: attempts - 1,
    backoff: new ExponentialBackoff({ initialDelay, maxDelay: Math.max(maxDelay, initialDelay) }),
  });
  const layer: SpawnerLayer = function retryLayer(next) {
    return async (call) => {
      let pauses = false;
      const run = policy.execute(async ({ attempt }): Promise<StepOutcome> => {
        if (attempt > 0) {
          if (call.signal.aborted) return { kind: "cancelled" };
          call.emit({ type: "progress", stage: "retry", note: `try ${attempt + 1} of ${attempts} at '${call.agent}'` });
        }
        pauses = false;
        const outcome = await next(call);
        pauses = true;
        return outcome;
      }, call.signal);
      return (await untilAborted(run, call.signal, () => pauses)) ?? { kind: "cancelled" };
    };
  };
  return repeating(layer);
}

function isWorthRepeating(result: unknown): boolean {
  const outcome = result as StepOutcome;
  return (outcome.kind === "error" || outcome.kind === "timeout") && outcome.error.retryable;
}
