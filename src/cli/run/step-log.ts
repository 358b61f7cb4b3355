/**
 * The steps of a run for the result object of `--json`: one record a step, in order of first start.
 *
 * Bounded: after MAX_RECORDS steps only a count is kept. The events on standard error, and the journal, have them all.
 */
import type { JsonObject } from "../../flow/index.ts";
import type { RunEvent } from "../../host.ts";
import { endMessage } from "./worker-end.ts";

/** Records kept. */
export const MAX_RECORDS = 10_000;

/** One step. Times in milliseconds. */
export interface StepRecord extends JsonObject {
  readonly key: string;
  readonly agent: string;
  /** `running` where the run ended before the step did. */
  readonly outcome: string;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly duration_ms: number;
}

/** Collects step records from events. */
export class StepLog {
  readonly #records = new Map<string, StepRecord>();
  #dropped = 0;

  /** Takes in what happened. */
  apply(event: RunEvent): void {
    if (event.type === "step_started") {
      const { key, agent, attempt } = event;
      this.#put(key, { key, agent, outcome: "running", attempts: attempt, duration_ms: 0 }, attempt === 1);
    } else if (event.type === "step_completed" && event.retryAt === undefined) {
      const { key, agent, attempt, outcome, durationMs } = event;
      const message = endMessage(event);
      const said = message === undefined ? {} : { message };
      // A step that never started (no such agent) is counted here; one that did was counted at its start.
      this.#put(key, { key, agent, outcome, attempts: attempt, duration_ms: durationMs, ...said }, false);
    }
  }

  /** What the step's end said, where it did and is kept. */
  messageOf(key: string | undefined): string | undefined {
    const message = key === undefined ? undefined : this.#records.get(key)?.["message"];
    return typeof message === "string" ? message : undefined;
  }

  /** `{steps, steps_omitted?}` for the result object. */
  toJson(): JsonObject {
    const steps = [...this.#records.values()];
    return this.#dropped === 0 ? { steps } : { steps, steps_omitted: this.#dropped };
  }

  #put(key: string, record: StepRecord, first: boolean): void {
    if (this.#records.has(key) || this.#records.size < MAX_RECORDS) this.#records.set(key, record);
    else if (first) this.#dropped += 1;
  }
}
