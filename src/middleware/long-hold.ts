/**
 * The long-hold layer: looks after attempts that take long.
 *
 * While an attempt is under way it warns every so often, moves the deadline, and lets a step that an operator works on rest,
 * so that its run may leave memory. Other workers are never parked: they would have to begin again.
 */
import type { CompiledBlueprint, LayerOptions } from "../blueprint/index.ts";
import type { SpawnerLayer, StepCall, Timer } from "../engine/index.ts";
import type { LayerParts } from "./layer-parts.ts";

const WARN_AFTER_MS = 300_000;
const MAX_EXTENSIONS = 3;

/** The layer. */
export function longHold(
  options: NonNullable<LayerOptions["long_hold"]>,
  { clock, compiled }: Pick<LayerParts, "clock"> & { readonly compiled: Pick<CompiledBlueprint, "agents"> },
): SpawnerLayer {
  const {
    warn_after_ms: every = WARN_AFTER_MS,
    extend_by_ms: extendBy = 0,
    max_extensions: most = MAX_EXTENSIONS,
  } = options;

  const hold = (call: StepCall): { readonly end: () => void } => {
    const startedAt = clock.now();
    const isOutside = compiled.agents.get(call.agent)?.plan.kind === "operator";
    let deadline = call.deadline;
    let extensions = 0;
    let timer: Timer;
    let wake: (() => void) | undefined;
    const warn = (): void => {
      const held = clock.now() - startedAt;
      let note = "";
      if (deadline !== undefined && extendBy > 0 && extensions < most) {
        extensions += 1;
        deadline += extendBy;
        note = `; its deadline is moved by ${extendBy} ms`;
        call.extend(deadline).catch((cause: unknown) => {
          const message = `the deadline of step ${call.key} cannot be moved: ${(cause as Error).message}`;
          call.emit({ type: "warning", code: "long_hold", message });
        });
      }
      call.emit({
        type: "warning",
        code: "long_hold",
        message: `agent '${call.agent}' has worked on step ${call.key} for ${held} ms${note}`,
      });
      if (isOutside) wake ??= call.rest();
      timer = clock.timer(clock.now() + every, warn);
    };
    timer = clock.timer(startedAt + every, warn);
    return {
      end: () => {
        timer.cancel();
        wake?.();
      },
    };
  };

  return function longHoldLayer(next) {
    return async (call) => {
      const held = hold(call);
      try {
        // The deadline moves while `next` runs: whoever is inside obeys the signal, which follows it.
        const { deadline: _deadline, ...open } = call;
        return await next(extendBy > 0 ? open : call);
      } finally {
        held.end();
      }
    };
  };
}
