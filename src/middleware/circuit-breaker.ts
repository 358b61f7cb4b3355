/**
 * The circuit-breaker layer: refuses steps of an agent that keeps failing, until a trial succeeds.
 *
 * Its state is of this host and this Blueprint version: a restart closes it. What counts as a failure is an error or a
 * timeout; a verdict of the worker (blocked, skip) and a cancelled attempt are none.
 */
import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker as breakerPolicy, handleWhenResult } from "cockatiel";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepOutcome } from "../engine/index.ts";
import { refusal } from "./errors.ts";

/** The layer, with a breaker of its own. */
export function circuitBreaker(options: NonNullable<LayerOptions["circuit_breaker"]>): SpawnerLayer {
  const { failures = 5, half_open_after_ms: halfOpenAfter = 30_000 } = options;
  const breaker = breakerPolicy(
    handleWhenResult((result) => ["error", "timeout"].includes((result as StepOutcome).kind)),
    { breaker: new ConsecutiveBreaker(failures), halfOpenAfter },
  );
  return function circuitBreakerLayer(next) {
    return async (call) => {
      try {
        return await breaker.execute(() => next(call), call.signal);
      } catch (cause) {
        if (call.signal.aborted) return { kind: "cancelled" };
        if (!(cause instanceof BrokenCircuitError)) throw cause;
        const message = `the circuit of agent '${call.agent}' is open after ${failures} failures in a row; it is tried again within ${halfOpenAfter} ms`;
        return refusal("circuit_open", message, true);
      }
    };
  };
}
