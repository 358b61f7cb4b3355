import type { FlowError } from "../error.ts";
import type { Externs } from "../externs.ts";
import type { Json } from "../json.ts";
import type { FlowProgram, ProgramStep } from "../program.ts";
import type { StepKey } from "../step-key.ts";
import type { JoinMode } from "../wire.ts";
import type { FlowPath } from "../path.ts";

/** A step that the flow wants run. */
export interface StepRequest {
  readonly key: StepKey;
  readonly step: ProgramStep;
  readonly ref: string;
  readonly input: Json;
}

/** What became of a step. */
export type FlowOutcome =
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "skip" }
  | { readonly kind: "error"; readonly message: string };

/** What the machine tells its driver. */
export type FlowEvent =
  | { readonly kind: "step"; readonly request: StepRequest }
  | { readonly kind: "cancel"; readonly keys: readonly StepKey[] }
  | {
      readonly kind: "joined";
      readonly key: StepKey;
      readonly join: JoinMode;
      readonly winner?: number;
      readonly order: readonly number[];
    };

/** What a machine may be given. */
export interface MachineOptions {
  readonly externs?: Externs;
}

export declare class FlowMachine {
  static start(program: FlowProgram, ctx: Json, options?: MachineOptions): FlowMachine;
  static restore(program: FlowProgram, saved: Json, options?: MachineOptions): FlowMachine;
  readonly status: "running" | "completed" | "failed";
  readonly ctx: Json;
  readonly error: FlowError | undefined;
  take(): readonly FlowEvent[];
  pending(): Iterable<StepRequest>;
  handIn(key: StepKey, outcome: FlowOutcome): void;
  write(at: FlowPath, value: Json): void;
  save(): Json;
}
