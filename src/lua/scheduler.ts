/**
 * Placement: which thread executes which job, and when.
 *
 * Owns: the threads, what happens to jobs when a thread is lost.
 * Does not own: the order of jobs (job-queue.ts), admission, host calls, results (pool.ts), one thread (pool-thread.ts).
 *
 * L1  What is ready is sent in few messages a thread and tick; a lone job on an idle thread is sent at once, or runs on
 *     the calling thread (inline-lane.ts).
 * L2  A thread without work takes over what a busy one has not begun, so no job waits behind a slow script for long.
 * L3  A stretch whose end nobody saw had no effect, so a job that comes back from a lost thread is simply sent again.
 */
import type { StretchEnd } from "./execution.ts";
import { InlineLane } from "./inline-lane.ts";
import type { Job } from "./job.ts";
import { JobQueue } from "./job-queue.ts";
import { PoolThread, type ThreadLoss } from "./pool-thread.ts";
import type { TaskEnd } from "./protocol.ts";
import { compileLuaModule } from "./wasm.ts";

/** Jobs of one message: its making and reading cost little for each of so many. */
const BATCH = 64;

/** Jobs a thread is sent ahead: the next batches wait there while the ends of the last travel. Few enough to be spread. */
const WINDOW = 3 * BATCH;

/** What becomes of jobs. */
export interface SchedulerEvents {
  /** A stretch of the job ended. */
  ended(job: Job, end: StretchEnd): void;
  /** The thread was lost while it executed the job. */
  lost(job: Job, loss: ThreadLoss): void;
}

/** Places jobs on up to `maxThreads` threads, each started when first needed. */
export class JobScheduler {
  readonly #maxThreads: number;
  readonly #events: SchedulerEvents;
  readonly #threads = new Set<PoolThread>();
  readonly #threadOf = new Map<Job, PoolThread>();
  readonly #queue = new JobQueue();
  readonly #inline: InlineLane;
  #module: WebAssembly.Module | undefined;
  #flushTurn: NodeJS.Immediate | undefined;
  #replaced = 0;

  constructor(maxThreads: number, events: SchedulerEvents) {
    this.#maxThreads = maxThreads;
    this.#events = events;
    this.#inline = new InlineLane(() => this.#compiled(), {
      ended: (job, end) => this.#events.ended(job, end),
      refused: (jobs) => {
        for (const job of jobs) this.#queue.add(job);
        this.#planFlush();
      },
    });
  }

  /** Threads alive, jobs not sent, jobs sent, jobs that ended inline, threads lost so far. */
  get counts(): {
    readonly threads: number;
    readonly queued: number;
    readonly sent: number;
    readonly inline: number;
    readonly replaced: number;
  } {
    const queued = this.#queue.size + this.#inline.size;
    const inline = this.#inline.ended;
    return { threads: this.#threads.size, queued, sent: this.#threadOf.size, inline, replaced: this.#replaced };
  }

  /** Starts the first thread before the first job. */
  warm(): void {
    if (this.#threads.size === 0) this.#startThread();
  }

  /** Takes a job whose next stretch is ready. */
  add(job: Job): void {
    if (this.#queue.size === 0 && this.#inline.takes(job)) return;
    const idle = this.#queue.size === 0 ? this.#idleThread() : undefined;
    if (idle !== undefined) {
      this.#send(idle, [job]);
      return;
    }
    this.#queue.add(job);
    this.#planFlush();
  }

  /** Stops caring for a job, wherever it is. A running script is told to stop. */
  remove(job: Job): void {
    this.#inline.delete(job);
    this.#queue.delete(job);
    this.#threadOf.get(job)?.cancel(job);
    this.#threadOf.delete(job);
  }

  /** Ends all threads. No event follows. */
  async close(): Promise<void> {
    const threads = [...this.#threads];
    this.#threads.clear();
    this.#threadOf.clear();
    this.#queue.clear();
    this.#inline.clear();
    clearImmediate(this.#flushTurn);
    await Promise.all(threads.map((thread) => thread.close()));
  }

  /** At the end of this turn of the event loop: threads that are busy lose nothing by it, and messages are fewer. */
  #planFlush(): void {
    this.#flushTurn ??= setImmediate(() => {
      this.#flushTurn = undefined;
      this.#flush();
    });
  }

  /** Sends what is queued, spread over the threads. */
  #flush(): void {
    if (this.#queue.size === 0) return;
    if (this.#idleThread() === undefined && this.#threads.size < this.#maxThreads) this.#startThread();
    const threads = [...this.#threads].sort((a, b) => a.load - b.load);
    for (const [i, thread] of threads.entries()) {
      let share = Math.min(Math.ceil(this.#queue.size / (threads.length - i)), thread.room, WINDOW - thread.load);
      while (share > 0) {
        const jobs = this.#queue.take(Math.min(share, BATCH));
        this.#send(thread, jobs);
        share -= jobs.length;
      }
    }
  }

  #send(thread: PoolThread, jobs: readonly Job[]): void {
    for (const job of jobs) this.#threadOf.set(job, thread);
    thread.send(jobs);
  }

  #idleThread(): PoolThread | undefined {
    for (const thread of this.#threads) {
      if (thread.load === 0) return thread;
    }
    return this.#threads.size === 0 ? this.#startThread() : undefined;
  }

  #startThread(): PoolThread {
    const thread = new PoolThread(this.#compiled(), {
      ended: (from, ends) => this.#ended(from, ends),
      lost: (from, loss) => this.#lost(from, loss),
    });
    this.#threads.add(thread);
    return thread;
  }

  #compiled(): WebAssembly.Module {
    this.#module ??= compileLuaModule();
    return this.#module;
  }

  #ended(thread: PoolThread, ends: readonly { readonly job: Job; readonly end: TaskEnd }[]): void {
    for (const { job, end } of ends) {
      this.#threadOf.delete(job);
      // The thread has dropped the image since; the next message brings it again.
      if ("skipped" in end) this.#queue.addAgain(job);
      else {
        this.#inline.saw(job, end.slow !== true);
        this.#events.ended(job, end.end);
      }
    }
    this.#flush();
    if (thread.load === 0) this.#takeOver(thread);
  }

  /** Gives a thread without work half of what the busiest has not begun (L2). */
  #takeOver(idle: PoolThread): void {
    const [busiest] = [...this.#threads].sort((a, b) => b.load - a.load);
    if (busiest === undefined || busiest.load < 2) return;
    const jobs = busiest.takeBack(Math.ceil((busiest.load - 1) / 2));
    if (jobs.length > 0) this.#send(idle, jobs);
  }

  #lost(thread: PoolThread, loss: ThreadLoss): void {
    this.#threads.delete(thread);
    this.#replaced += 1;
    for (const job of loss.unharmed) this.#threadOf.delete(job);
    if (loss.running !== undefined) {
      this.#threadOf.delete(loss.running);
      this.#events.lost(loss.running, loss);
    }
    if (loss.stillborn) for (const job of loss.unharmed) this.#events.lost(job, loss);
    else for (const job of loss.unharmed) this.#queue.addAgain(job);
    this.#flush();
  }
}
