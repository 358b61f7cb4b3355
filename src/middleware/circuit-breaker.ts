/**
 * The circuit-breaker layer: refuses steps of an agent that keeps failing, until a trial succeeds.
 *
 * Its state is of this host and this Blueprint version: a restart closes it. What counts as a failure is an error or a
 * timeout; a verdict of the worker (blocked, skip) and a cancelled attempt are none.
 */
import {
  BrokenCircuitError,
  circuitBreaker as breakerPolicy,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  handleWhenResult,
} from "cockatiel";
import type { LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepOutcome } from "../engine/index.ts";
import { refusal } from "./errors.ts";
import { perAgent } from "./per-agent.ts";
import { untilAborted } from "./until-aborted.ts";

/** The layer, with a breaker for each agent. */
export function circuitBreaker(options: NonNullable<LayerOptions["circuit_breaker"]>): SpawnerLayer {
  const { failures = 5, half_open_after_ms: halfOpenAfter = 30_000 } = options;
  const breakerOf = perAgent<CircuitBreakerPolicy>(() =>
    breakerPolicy(handleWhenResult(hasFailed), { breaker: new ConsecutiveBreaker(failures), halfOpenAfter }),
  );
  return function circuitBreakerLayer(next) {
    return async (call) => {
      // While one attempt tries an open circuit, the others wait for how that ends.
      let waits = true;
      const run = breakerOf(call.agent).execute(() => {
        waits = false;
        return call.signal.aborted ? ({ kind: "cancelled" } as const) : next(call);
      }, call.signal);
      try {
        return (await untilAborted(run, call.signal, () => waits)) ?? { kind: "cancelled" };
      } catch (cause) {
        if (!(cause instanceof BrokenCircuitError)) throw cause;
        const message = `the circuit of agent '${call.agent}' is open after ${failures} failures in a row; it is tried again within ${halfOpenAfter} ms`;
        return refusal("circuit_open", message, true);
      }
    };
  };
}

function hasFailed(result: unknown): boolean {
  const { kind } = result as StepOutcome;
  return kind === "error" || kind === "timeout";
}
