/**
 * Messages between the pool and a thread, and their encoding.
 *
 * Owns: the encoding. A batch is one JSON text, which both sides make and read twice as fast as structured cloning
 * copies the same objects; only the memory of parked scripts travels beside it.
 * Does not own: when what is sent (pool-thread.ts, thread.ts).
 */
import type { Answer, Parked, Start, StretchEnd } from "./execution.ts";
import type { LuaImage } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";

/** What a thread is started with. */
export interface ThreadStart {
  readonly module: WebAssembly.Module;
  readonly control: SharedArrayBuffer;
}

/** A number for an image; equal images have equal numbers within a pool. */
export type ImageId = number;

/** One stretch to execute. */
export interface Task {
  readonly slot: number;
  readonly image: ImageId;
  /** Index into the batch's limits: most tasks have the same. */
  readonly limits: number;
  readonly nowMs: number;
  /** A fresh script, or the answer for a parked one. */
  readonly start?: Start;
  readonly answer?: Answer;
  readonly parked?: Parked;
}

/**
 * The end of a task: how the stretch ended and whether it was slow (inline-lane.ts, G2), that the task was taken back
 * before it began, or that the thread does not have its image (any more): send it with the image.
 */
export type TaskEnd = { readonly slot: number } & (
  | { readonly end: StretchEnd; readonly slow?: true }
  | { readonly skipped: "taken" | "unknown_image" }
);

/** To a thread. */
export interface TaskBatch {
  /** Images the thread has not been sent before. */
  readonly images: readonly (readonly [ImageId, LuaImage])[];
  readonly limits: readonly LuaLimits[];
  readonly tasks: string;
  readonly parked: readonly Parked[];
}

/** From a thread. */
export interface EndBatch {
  readonly ends: string;
  readonly parked: readonly Parked[];
}

/** Encodes tasks. They hold JSON and nothing else (json-check.ts), memory of parked scripts aside. */
export function encodeTasks(tasks: readonly Task[]): Pick<TaskBatch, "tasks" | "parked"> {
  const parked: Parked[] = [];
  const plain = tasks.map((task) => {
    if (task.parked === undefined) return task;
    parked.push(task.parked);
    return { ...task, parked: undefined };
  });
  return { tasks: JSON.stringify(plain), parked };
}

/** The tasks of a batch. */
export function decodeTasks(batch: TaskBatch): Task[] {
  let next = 0;
  const tasks = JSON.parse(batch.tasks) as Task[];
  return tasks.map((task) => (task.answer === undefined ? task : { ...task, parked: batch.parked[next++] as Parked }));
}

/** Encodes what a thread reports. */
export function encodeEnds(ends: readonly TaskEnd[]): EndBatch {
  const parked: Parked[] = [];
  const plain = ends.map((item) => {
    if (!("end" in item) || item.end.kind !== "call") return item;
    parked.push(item.end.parked);
    return { ...item, end: { ...item.end, parked: undefined } };
  });
  return { ends: JSON.stringify(plain), parked };
}

/** The ends of a batch. */
export function decodeEnds(batch: EndBatch): TaskEnd[] {
  let next = 0;
  const ends = JSON.parse(batch.ends) as TaskEnd[];
  return ends.map((item) =>
    "end" in item && item.end.kind === "call"
      ? { ...item, end: { ...item.end, parked: batch.parked[next++] as Parked } }
      : item,
  );
}
