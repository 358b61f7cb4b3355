/** The task-input layer: where a launch works, and what it is about, as the strongest context tier. */
import type { SpawnerLayer } from "../engine/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";

/** What a launch supplies to every step beside the flow's ctx. */
export interface TaskInput {
  /** Absolute path of the project the run is about. */
  readonly project_root?: string;
  /** Absolute path of the directory that steps work in. */
  readonly work_dir?: string;
  readonly task_metadata?: Json;
}

/** The task input as context keys; what is absent is no key. */
export function taskContext({ project_root, work_dir, task_metadata }: TaskInput): JsonObject {
  return {
    ...(project_root === undefined ? {} : { project_root }),
    ...(work_dir === undefined ? {} : { work_dir }),
    ...(task_metadata === undefined ? {} : { task_metadata }),
  };
}

/** The task input in the keys of an initial ctx. A key of the wrong type counts as absent; so does a ctx that is no object. */
export function taskInputFrom(ctx: Json): TaskInput {
  if (!isJsonObject(ctx)) return {};
  const [project_root, work_dir, task_metadata] = [
    ownValue(ctx, "project_root"),
    ownValue(ctx, "work_dir"),
    ownValue(ctx, "task_metadata"),
  ];
  return {
    ...(typeof project_root === "string" ? { project_root } : {}),
    ...(typeof work_dir === "string" ? { work_dir } : {}),
    ...(task_metadata === undefined ? {} : { task_metadata }),
  };
}

/** The layer. It overwrites the keys it has. */
export function taskInput(input: TaskInput): SpawnerLayer {
  const supplied = taskContext(input);
  return function taskInputLayer(next) {
    return (call) => next({ ...call, context: { ...call.context, ...supplied } });
  };
}
