/**
 * Drivers: run a flow to its end the way the reference's two evaluators do.
 *
 * `sync`: lanes in turn, every dispatch answered before anything else happens. `async`: lanes together, in virtual time:
 * a dispatch without delay is answered at once, others when their time comes, earliest first and then in dispatch order.
 */
import {
  type Externs,
  FlowMachine,
  FlowPath,
  type FlowProgram,
  type Json,
  type StepKey,
  type StepRequest,
} from "../../src/flow/index.ts";
import type { Reaction } from "./behaviour.ts";

/** Which evaluator to act as. */
export type Mode = "sync" | "async";

/** A run that has ended, and what was dispatched on the way. */
export interface Drive {
  readonly machine: FlowMachine;
  readonly calls: readonly { readonly ref: string; readonly input: Json }[];
}

/** Runs a flow to its end. */
export const drive = (
  program: FlowProgram,
  ctx: Json,
  mode: Mode,
  dispatcher: (ref: string, input: Json) => Reaction,
  externs: Externs,
): Drive => {
  const machine = FlowMachine.start(program, ctx, { externs, lanes: mode === "sync" ? "in_turn" : "together" });
  const calls: { ref: string; input: Json }[] = [];
  const open = new Set<StepKey>();
  const timers: { readonly due: number; readonly key: StepKey; readonly outcome: Reaction["outcome"] }[] = [];
  let wanted: StepRequest[] = [];
  let now = 0;

  const listen = () => {
    const fresh: StepRequest[] = [];
    for (const event of machine.take()) {
      if (event.kind === "step") {
        open.add(event.request.key);
        fresh.push(event.request);
      } else if (event.kind === "cancel") {
        for (const key of event.keys) open.delete(key);
      }
    }
    // What a lane wants next comes before what other lanes have been waiting for: its future is polled on.
    wanted = [...fresh, ...wanted];
  };
  const handIn = (key: StepKey, outcome: Reaction["outcome"]) => {
    if (!open.delete(key)) return;
    machine.handIn(key, outcome);
    listen();
  };

  listen();
  for (;;) {
    const request = wanted.shift();
    if (request !== undefined) {
      if (!open.has(request.key)) continue;
      const { key, ref, input } = request;
      calls.push({ ref, input });
      const { delayMs, writes, outcome } = dispatcher(ref, input);
      for (const { at, value } of writes) machine.write(FlowPath.parse(at), value);
      if (mode === "sync" || delayMs === 0) handIn(key, outcome);
      else timers.push({ due: now + delayMs, key, outcome });
      continue;
    }
    timers.sort((a, b) => a.due - b.due);
    const timer = timers.shift();
    if (timer === undefined) return { machine, calls };
    now = timer.due;
    handIn(timer.key, timer.outcome);
  }
};
