/**
 * Cancelling: closing a fanout, or a whole run, with everything that is still open below it.
 */
import type { StepKey } from "../step-key.ts";
import type { FanoutFrame, Scope } from "./frame.ts";
import type { RunState } from "./run-state.ts";

/** Closes a fanout: the open steps of its lanes are forgotten, and the driver is told of those it has seen. */
export const cancelLanes = (run: RunState, fanout: FanoutFrame): void => {
  cancel(run, [], [fanout]);
};

/** Closes everything that is open in a run. */
export const cancelAll = (run: RunState): void => {
  run.starting.length = 0;
  cancel(run, [run.root], []);
};

// Lanes in item order, each with all that is below it before the next: a stack, filled backwards.
const cancel = (run: RunState, scopes: Scope[], fanouts: readonly FanoutFrame[]): void => {
  const keys: StepKey[] = [];
  for (const fanout of fanouts) closeFanout(fanout, scopes);
  for (let scope = scopes.pop(); scope !== undefined; scope = scopes.pop()) {
    const { waiting } = scope;
    scope.waiting = undefined;
    if (waiting === undefined) continue;
    if (waiting.kind === "fanout") {
      closeFanout(waiting, scopes);
    } else {
      run.leaves.delete(waiting.request.key);
      if (waiting.announced) keys.push(waiting.request.key);
    }
  }
  if (keys.length > 0) run.events.push({ kind: "cancel", keys });
};

const closeFanout = (fanout: FanoutFrame, scopes: Scope[]): void => {
  fanout.closed = true;
  fanout.pending = undefined;
  for (const lane of [...fanout.lanes.values()].reverse()) scopes.push(lane);
  fanout.lanes.clear();
};
