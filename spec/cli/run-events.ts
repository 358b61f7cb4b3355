/** Run events for tests, on a clock that ticks by hand. */
import type { RunEvent } from "../../src/host.ts";

type Completed = Extract<RunEvent, { type: "step_completed" }>;

/** A run has started. */
export const runStarted = (at = 0): RunEvent => ({ type: "run_started", at });

/** A step has started. */
export const started = (key: string, agent: string, at: number, attempt = 1): RunEvent => ({
  type: "step_started",
  at,
  key,
  attempt,
  agent,
});

/** A step has ended. */
export const completed = (
  key: string,
  agent: string,
  at: number,
  durationMs: number,
  more: Partial<Pick<Completed, "outcome" | "message" | "retryAt" | "attempt">> = {},
): RunEvent => ({ type: "step_completed", at, key, attempt: 1, agent, outcome: "pass", durationMs, ...more });

/** A fanout has joined. */
export const joined = (key: string, at: number, winner?: number): RunEvent => ({
  type: "fanout_joined",
  at,
  key,
  ...(winner === undefined ? {} : { winner }),
});

/** A worker has said something. */
export const progress = (key: string, at: number, stage: string, note?: string): RunEvent => ({
  type: "step_event",
  at,
  key,
  attempt: 1,
  event: { type: "progress", stage, ...(note === undefined ? {} : { note }) },
});

/** The run is over. */
export const runFinished = (at: number): RunEvent => ({
  type: "run_finished",
  at,
  result: { status: "done", ctx: {} },
});
