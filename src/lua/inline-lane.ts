/**
 * The inline lane: jobs that run on the calling thread, because the way to a worker thread and back takes many times
 * longer than they do.
 *
 * Owns: which jobs may, when they do, what becomes of images that took too much.
 * Does not own: the bound itself (inline-vm.ts), threads (scheduler.ts).
 *
 * G1  Only what can be started again: worker images without host functions, small in source, input and output bounds.
 * G2  Only images with a good history: QUICK_RUNS stretches on a thread, each over at once. One that ever took too much
 *     inline runs on threads from then on.
 * G3  Only lone jobs. They run when the event loop comes round, at most MOST_LONE in a turn: what finds the lane full goes
 *     to the threads together with what is in it, so a host with much to do keeps its threads busy and its event loop free.
 */
import { LRUCache } from "lru-cache";
import type { StretchEnd } from "./execution.ts";
import { InlineVm } from "./inline-vm.ts";
import type { Job } from "./job.ts";
import { WORKER_LIMITS } from "./limits.ts";
import type { ImageId } from "./protocol.ts";

/** Quick stretches in a row that an image has to show. */
const QUICK_RUNS = 8;

/** Jobs of one turn of the event loop. */
const MOST_LONE = 4;

/** Characters of source that are compiled on the calling thread. */
const MAX_SOURCE = 16_384;

/** Bytes of input that are pushed on the calling thread. */
const MAX_INPUT = 16_384;

/** Images whose history is remembered. */
const MAX_IMAGES = 4_096;

/** In the place of a count of quick runs: the image took too much. */
const REFUSED = -1;

/** What the lane does with jobs. */
export interface LaneEvents {
  /** The job ended inline. */
  ended(job: Job, end: StretchEnd): void;
  /** The jobs are to be sent to threads. */
  refused(jobs: readonly Job[]): void;
}

/** Jobs that wait for the end of this turn, and what is known about images. */
export class InlineLane {
  readonly #module: () => WebAssembly.Module;
  readonly #events: LaneEvents;
  readonly #history = new LRUCache<ImageId, number>({ max: MAX_IMAGES });
  readonly #jobs = new Set<Job>();
  #vm: InlineVm | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** More jobs came in this turn than are lone. */
  #isCrowded = false;
  #ended = 0;

  /** `module` is asked for when the VM is made, at the first job. */
  constructor(module: () => WebAssembly.Module, events: LaneEvents) {
    this.#module = module;
    this.#events = events;
  }

  /** Jobs that wait for the end of this turn. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Jobs that ended here so far. */
  get ended(): number {
    return this.#ended;
  }

  /** Takes a job, unless it may not run here or the lane is full (G1 to G3). */
  takes(job: Job): boolean {
    if (this.#history.get(job.imageId) !== QUICK_RUNS || !isSmall(job)) return false;
    if (this.#isCrowded) return false;
    if (this.#jobs.size === MOST_LONE) {
      this.#isCrowded = true;
      this.#events.refused([...this.#jobs]);
      this.#jobs.clear();
      return false;
    }
    this.#jobs.add(job);
    this.#turn ??= setImmediate(() => this.#run());
    return true;
  }

  /** Notes how a stretch on a thread ended. */
  saw(job: Job, quick: boolean): void {
    const runs = this.#history.get(job.imageId) ?? 0;
    if (runs === REFUSED || runs === QUICK_RUNS || !isRestartable(job)) return;
    this.#history.set(job.imageId, quick ? runs + 1 : 0);
  }

  delete(job: Job): void {
    this.#jobs.delete(job);
  }

  /** Forgets its jobs. */
  clear(): void {
    this.#jobs.clear();
    clearImmediate(this.#turn);
  }

  #run(): void {
    this.#turn = undefined;
    this.#isCrowded = false;
    for (const job of this.#jobs) {
      this.#jobs.delete(job);
      const end = this.#attempt(job);
      if (end === undefined) {
        this.#history.set(job.imageId, REFUSED);
        this.#events.refused([job]);
      } else {
        this.#ended += 1;
        this.#events.ended(job, end);
      }
    }
  }

  #attempt({ imageId, image, limits, invocation, step }: Job): StretchEnd | undefined {
    if (!("start" in step)) return undefined;
    this.#vm ??= new InlineVm(this.#module());
    return this.#vm.attempt({ imageId, image, limits, nowMs: invocation.nowMs ?? 0, start: step.start });
  }
}

function isRestartable({ image: { kind, host, source } }: Job): boolean {
  return kind === "worker" && host.length === 0 && source.length <= MAX_SOURCE;
}

function isSmall({ inputBytes, limits }: Job): boolean {
  return inputBytes <= MAX_INPUT && limits.outputBytes <= WORKER_LIMITS.outputBytes;
}
