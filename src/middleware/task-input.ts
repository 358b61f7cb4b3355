/**
 * Where a launch works, and what it is about: the strongest context tier of a run.
 *
 * It travels as the run's context, which is journaled with the run's start, so that every attempt, also after a restart,
 * is handed the same.
 */
import type { OperatorKind } from "../blueprint/index.ts";
import type { Json, JsonObject } from "../flow/index.ts";

/** What a launch supplies to every step beside the flow's ctx. */
export interface TaskInput {
  /** Absolute path of the project the run is about. */
  readonly project_root?: string;
  /** Absolute path of the directory that steps work in. */
  readonly work_dir?: string;
  readonly task_metadata?: Json;
  readonly operator_kinds?: OperatorKinds;
}

/** Who takes part in the steps of this launch, over what the Blueprint says (seats.ts). */
export interface OperatorKinds {
  /** By agent. */
  readonly agents?: Readonly<Record<string, OperatorKind>>;
  /** For every other agent. */
  readonly default?: OperatorKind;
}

/** The task input as context keys; what is absent is no key. */
export function taskContext({ project_root, work_dir, task_metadata, operator_kinds }: TaskInput): JsonObject {
  return {
    ...(project_root === undefined ? {} : { project_root }),
    ...(work_dir === undefined ? {} : { work_dir }),
    ...(task_metadata === undefined ? {} : { task_metadata }),
    ...(operator_kinds === undefined ? {} : { operator_kinds: { ...operator_kinds } as JsonObject }),
  };
}
