/**
 * What a machine and its driver say to each other: requests and events outwards, outcomes inwards. Plain data.
 */
import type { Json } from "../json.ts";
import type { ProgramStep } from "../program-step.ts";
import type { StepKey } from "../step-key.ts";
import type { JoinMode } from "../wire.ts";

/** A step that the flow wants run. */
export interface StepRequest {
  readonly key: StepKey;
  /** The node it is an execution of. */
  readonly step: ProgramStep;
  /** Name of the agent. */
  readonly ref: string;
  /** The evaluated `in`. Never changes. */
  readonly input: Json;
}

/** What became of a step. A `skip` writes nothing; an `error` fails the step with that text. */
export type FlowOutcome =
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "skip" }
  | { readonly kind: "error"; readonly message: string };

/**
 * What a machine tells its driver.
 *
 * - `step`: run this step and hand in its outcome
 * - `cancel`: these steps were wanted and are no more; outcomes for them are refused
 * - `joined`: a fanout has its result. `order` lists the lanes that settled, in the order they did; `winner` is the lane
 *   that decided an `any` or a `race`, absent where none did
 */
export type FlowEvent =
  | { readonly kind: "step"; readonly request: StepRequest }
  | { readonly kind: "cancel"; readonly keys: readonly StepKey[] }
  | {
      readonly kind: "joined";
      /** Key of the fanout. */
      readonly key: StepKey;
      readonly join: JoinMode;
      readonly winner?: number;
      readonly order: readonly number[];
    };
