/**
 * A worker thread: executes batches of tasks on one VM and reports how they ended.
 *
 * Owns: the images the thread keeps, the order of execution, when ends are reported.
 * Does not own: executing (vm.ts), what happens when this thread does not answer (pool-thread.ts).
 *
 * After a batch the thread waits LINGER_MS for the next one on a word in shared memory, which wakes it several times
 * faster than the event loop does: steps of one run follow each other at once. Then, and whenever it is idle, it sleeps in
 * the event loop. Nothing polls.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { LRUCache } from "lru-cache";
import { LuaError } from "./error.ts";
import type { StretchEnd } from "./execution.ts";
import { plainFailure } from "./failure.ts";
import type { LuaImage } from "./invocation.ts";
import type { LuaLimits } from "./limits.ts";
import {
  decodeTasks,
  encodeEnds,
  type ImageId,
  type Task,
  type TaskBatch,
  type TaskEnd,
  type ThreadStart,
} from "./protocol.ts";
import { monotonicMs, ThreadControl } from "./thread-control.ts";
import { LuaVm, type ScriptImage } from "./vm.ts";

/** An image the thread was sent, compiled when first needed. */
interface KeptImage {
  readonly source: LuaImage;
  script: ScriptImage | undefined;
}

/** Bytes of images a thread keeps: some hundreds of agents. The least recently used are dropped, and asked for again. */
const IMAGE_BYTES = 64 * 1_048_576;

/** What an image takes at least, beside its source. */
const IMAGE_OVERHEAD = 128 * 1_024;

/** Ends are reported after this long at the latest, so that quick tasks do not wait for a slow one behind them. */
const REPORT_AFTER_MS = 2;

/** What takes longer is worth its way to a thread. */
const QUICK_MS = 0.5;

/** How long a thread waits for the next batch outside its event loop. Measured: a hop there and back takes 9 us, not 25 to 80. */
const LINGER_MS = 5;

function serve(start: ThreadStart, port: MessagePort): void {
  const control = new ThreadControl(start.control);
  const vm = new LuaVm(start.module, () => {
    // A script that takes long must not keep the ends of those before it.
    if (ends.length > 0) reportOld(monotonicMs());
    return control.cancelled();
  });
  const images = new LRUCache<ImageId, KeptImage>({
    maxSize: IMAGE_BYTES,
    sizeCalculation: ({ source }) => IMAGE_OVERHEAD + 2 * source.source.length,
  });

  const execute = (kept: KeptImage, task: Task, limits: LuaLimits): StretchEnd => {
    const { nowMs, parked, answer, start: fresh } = task;
    try {
      kept.script ??= vm.prepare(kept.source);
    } catch (error) {
      if (error instanceof LuaError) return { kind: "failure", failure: plainFailure(error), printed: [] };
      throw error;
    }
    if (parked !== undefined && answer !== undefined) {
      return vm.execute(kept.script, { limits, nowMs, parked, answer });
    }
    return vm.execute(kept.script, { limits, nowMs, start: fresh ?? {} });
  };

  const perform = (task: Task, limits: LuaLimits, now: number): TaskEnd => {
    const { slot } = task;
    const kept = images.get(task.image);
    if (kept === undefined) return { slot, skipped: "unknown_image" };
    if (!control.begin(slot, now)) return { slot, skipped: "taken" };
    const end = execute(kept, task, limits);
    control.end(slot);
    return monotonicMs() - now > QUICK_MS ? { slot, end, slow: true } : { slot, end };
  };

  let ends: TaskEnd[] = [];
  let reportedAt = 0;

  const report = (now: number): void => {
    const batch = encodeEnds(ends);
    ends = [];
    reportedAt = now;
    port.postMessage(
      batch,
      batch.parked.flatMap(({ memory }) => memory.runs[0]?.bytes.buffer ?? []),
    );
  };

  const reportOld = (now: number): void => {
    if (ends.length > 0 && now - reportedAt > REPORT_AFTER_MS) report(now);
  };

  const handle = (batch: TaskBatch): void => {
    for (const [id, source] of batch.images) images.set(id, { source, script: undefined });
    reportedAt = monotonicMs();
    for (const task of decodeTasks(batch)) {
      const now = monotonicMs();
      reportOld(now);
      // Not in one expression: while the task is performed, `ends` may be reported and replaced.
      const end = perform(task, batch.limits[task.limits] as LuaLimits, now);
      ends.push(end);
    }
    report(monotonicMs());
  };

  let handled = 0;
  const nextBatch = (): TaskBatch | undefined =>
    control.awaitPosted(handled, LINGER_MS)
      ? (receiveMessageOnPort(port)?.message as TaskBatch | undefined)
      : undefined;

  port.on("message", (first: TaskBatch) => {
    for (let batch: TaskBatch | undefined = first; batch !== undefined; batch = nextBatch()) {
      handled += 1;
      handle(batch);
    }
  });
}

if (parentPort !== null) serve(workerData as ThreadStart, parentPort);
