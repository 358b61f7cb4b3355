/**
 * The pool's side of one worker thread: what it was sent, whether it still answers.
 *
 * Owns: the Worker, its slots, the watchdog.
 * Does not own: the queue and what an end means for a job (pool.ts).
 *
 * D1  The watchdog's timer runs only while the thread holds jobs, and fires no sooner than the running job's wall limit.
 * D2  When a thread hangs or dies, the job it was running is lost; every other job it held had not begun, or its end was
 *     not seen by anybody, so it goes back to the pool unharmed.
 * D3  An idle thread keeps no process alive.
 */
import { Worker } from "node:worker_threads";
import type { Job } from "./job.ts";
import {
  decodeEnds,
  type EndBatch,
  encodeTasks,
  type ImageId,
  type Task,
  type TaskBatch,
  type TaskEnd,
  type ThreadStart,
} from "./protocol.ts";
import { monotonicMs, SLOTS, ThreadControl } from "./thread-control.ts";

/** What a thread tells the pool. */
export interface ThreadEvents {
  /** Jobs ended a stretch, or come back. */
  ended(thread: PoolThread, ends: readonly { readonly job: Job; readonly end: TaskEnd }[]): void;
  /** The thread is no more. `running` was being executed; `unharmed` were not. */
  lost(thread: PoolThread, loss: ThreadLoss): void;
}

/** See `ThreadEvents.lost`. */
export interface ThreadLoss {
  readonly reason: "hung" | "died";
  /** What is known about the death. */
  readonly detail: string;
  readonly running: Job | undefined;
  readonly unharmed: readonly Job[];
  /** It died before it had ever answered: the next one would too. */
  readonly stillborn: boolean;
}

/** The entry file, as source or as built. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);

/** JavaScript heap of a thread: results on their way out live in it. */
const MAX_HEAP_MB = 256;

/** Images remembered as sent; then all are forgotten, and sent once more when needed. */
const MAX_KNOWN_IMAGES = 16_384;

/** Least time between two looks of the watchdog, in milliseconds. */
const MIN_WATCH_MS = 5;

/** One worker thread. */
export class PoolThread {
  readonly #worker: Worker;
  readonly #control = new ThreadControl();
  readonly #events: ThreadEvents;
  readonly #jobs = new Map<number, Job>();
  readonly #slotOf = new Map<Job, number>();
  readonly #freeSlots: number[] = Array.from({ length: SLOTS }, (_, slot) => slot).reverse();
  readonly #knownImages = new Set<ImageId>();
  #watch: NodeJS.Timeout | undefined;
  #hasAnswered = false;
  #gone = false;

  constructor(module: WebAssembly.Module, events: ThreadEvents) {
    this.#events = events;
    const workerData: ThreadStart = { module, control: this.#control.memory };
    const resourceLimits = { maxOldGenerationSizeMb: MAX_HEAP_MB };
    this.#worker = new Worker(ENTRY, { workerData, resourceLimits, execArgv: [], env: {}, name: "swarm-lua" });
    this.#worker.unref();
    this.#worker.on("message", (batch: EndBatch) => this.#report(decodeEnds(batch)));
    this.#worker.on("error", (error: unknown) => {
      this.#lose("died", error instanceof Error ? error.message : String(error));
    });
    this.#worker.on("exit", (code) => this.#lose("died", `it exited with code ${code}`));
  }

  /** Jobs it holds. */
  get load(): number {
    return this.#jobs.size;
  }

  /** Jobs it can take besides. */
  get room(): number {
    return this.#freeSlots.length;
  }

  /** Sends jobs, at most `room` of them. */
  send(jobs: readonly Job[]): void {
    const images: TaskBatch["images"][number][] = [];
    const limits = [...new Set(jobs.map((job) => job.limits))];
    const tasks = jobs.map((job): Task => {
      const slot = this.#freeSlots.pop() as number;
      this.#jobs.set(slot, job);
      this.#slotOf.set(job, slot);
      this.#control.offer(slot);
      if (!this.#knownImages.has(job.imageId)) {
        if (this.#knownImages.size >= MAX_KNOWN_IMAGES) this.#knownImages.clear();
        this.#knownImages.add(job.imageId);
        images.push([job.imageId, job.image]);
      }
      const nowMs = job.invocation.nowMs ?? 0;
      return { slot, image: job.imageId, limits: limits.indexOf(job.limits), nowMs, ...job.step };
    });
    this.#worker.ref();
    const batch: TaskBatch = { images, limits, ...encodeTasks(tasks) };
    this.#worker.postMessage(batch);
    this.#control.countPosted();
    if (this.#watch === undefined) this.#watchIn(Math.min(...limits.map(({ wallMs }) => wallMs)));
  }

  /** Takes back up to `count` jobs it has not begun, the last sent first. */
  takeBack(count: number): Job[] {
    const taken: Job[] = [];
    for (const [slot, job] of [...this.#jobs].reverse()) {
      if (taken.length === count) break;
      if (!this.#slotOf.has(job) || !this.#control.takeBack(slot)) continue;
      this.#slotOf.delete(job);
      taken.push(job);
    }
    return taken;
  }

  /** Stops a job: takes it back where it has not begun, else asks the script to stop. */
  cancel(job: Job): void {
    const slot = this.#slotOf.get(job);
    if (slot === undefined) return;
    if (this.#control.takeBack(slot)) this.#slotOf.delete(job);
    else this.#control.cancel(slot);
  }

  /** Ends the thread. Its jobs are not reported. */
  async close(): Promise<void> {
    this.#gone = true;
    clearTimeout(this.#watch);
    await this.#worker.terminate();
  }

  #report(ends: readonly TaskEnd[]): void {
    if (this.#gone) return;
    this.#hasAnswered = true;
    const seen = ends.flatMap((end) => {
      const { slot } = end;
      const job = this.#jobs.get(slot);
      const isOurs = job !== undefined && this.#slotOf.get(job) === slot;
      this.#jobs.delete(slot);
      this.#control.free(slot);
      this.#freeSlots.push(slot);
      if (!isOurs) return [];
      this.#slotOf.delete(job);
      if ("skipped" in end) this.#knownImages.delete(job.imageId);
      return [{ job, end }];
    });
    if (this.#jobs.size === 0) this.#rest();
    this.#events.ended(this, seen);
  }

  #rest(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    this.#worker.unref();
  }

  #watchIn(ms: number): void {
    this.#watch = setTimeout(() => this.#look(), Math.max(MIN_WATCH_MS, Math.ceil(ms)));
    this.#watch.unref();
  }

  /** The watchdog: is the running job over its wall limit? */
  #look(): void {
    const running = this.#control.running();
    const job = running === undefined ? undefined : this.#jobs.get(running.slot);
    if (running === undefined || job === undefined) {
      this.#watchIn(Math.min(...[...this.#jobs.values()].map(({ limits }) => limits.wallMs)));
      return;
    }
    const left = job.limits.wallMs - (monotonicMs() - running.since);
    if (left > 0) this.#watchIn(left);
    else this.#lose("hung", `it did not answer for ${job.limits.wallMs} ms`);
  }

  #lose(reason: ThreadLoss["reason"], detail: string): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#watch);
    const slot = this.#control.running()?.slot;
    const running = slot === undefined ? undefined : this.#jobs.get(slot);
    const unharmed = [...this.#slotOf.keys()].filter((job) => job !== running);
    // Termination is not awaited: nothing depends on when a hung thread is gone.
    void this.#worker.terminate();
    const stillborn = reason === "died" && running === undefined && !this.#hasAnswered;
    this.#events.lost(this, { reason, detail, running, unharmed, stillborn });
  }
}
