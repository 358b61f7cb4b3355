/**
 * Jobs that are ready to be sent to a thread.
 *
 * Owns: their order, and how many make a batch.
 * Does not own: which thread they go to (scheduler.ts).
 */
import type { Job } from "./job.ts";

/** Input of one message to a thread, in bytes; it may be passed by one job. */
const BATCH_BYTES = 4 * 1_048_576;

/** First in, first out; but jobs that come back or go on go before those that have not begun. */
export class JobQueue {
  readonly #first = new Set<Job>();
  readonly #fresh = new Set<Job>();

  get size(): number {
    return this.#first.size + this.#fresh.size;
  }

  /** Adds a job behind those of its kind: that go on after a host call, or have not begun. */
  add(job: Job): void {
    ("parked" in job.step ? this.#first : this.#fresh).add(job);
  }

  /** Adds a job that was sent before and has to be sent again. */
  addAgain(job: Job): void {
    this.#first.add(job);
  }

  delete(job: Job): void {
    this.#first.delete(job);
    this.#fresh.delete(job);
  }

  clear(): void {
    this.#first.clear();
    this.#fresh.clear();
  }

  /** Takes up to `count` jobs, fewer where they are large. */
  take(count: number): Job[] {
    const taken: Job[] = [];
    let bytes = 0;
    for (const queue of [this.#first, this.#fresh]) {
      for (const job of queue) {
        if (taken.length >= count || bytes > BATCH_BYTES) return taken;
        queue.delete(job);
        taken.push(job);
        bytes += job.inputBytes;
      }
    }
    return taken;
  }
}
