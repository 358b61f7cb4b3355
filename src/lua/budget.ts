/**
 * The time an invocation may use, and the word that it is cancelled.
 *
 * Owns: the CPU account of the running invocation and the decision to stop it.
 * Does not own: when it is asked (the count hook and long host functions ask), what happens outside (watchdog.ts).
 *
 * C1  What is counted is CPU time of this thread, so a busy machine stops nobody early. The operating system is asked
 *     only when the clock on the wall says the limit could be reached: a short step never asks.
 * C2  Stopping is a JavaScript exception, which no pcall catches (N2).
 */
import { LuaError } from "./error.ts";

/** After this long an invocation gets an exact account; before, all time is taken for CPU time. In milliseconds. */
const EXACT_AFTER_MS = 1;

/** The CPU account of one thread, opened for each stretch of execution. */
export class Budget {
  readonly #cancelled: () => boolean;
  #limitMs = 0;
  /** Used in earlier stretches of the same invocation. */
  #usedBefore = 0;
  #startedAt = 0;
  /** CPU time of the thread at the start of the stretch; undefined until the account is exact. */
  #cpuAtStart: number | undefined;
  #askAgainAt = 0;

  /** `cancelled` says whether the running invocation is to stop. */
  constructor(cancelled: () => boolean) {
    this.#cancelled = cancelled;
  }

  /** Starts a stretch of an invocation that has used `usedMs` before. `now` is `performance.now()`. */
  open(limitMs: number, usedMs: number, now: number): void {
    this.#limitMs = limitMs;
    this.#usedBefore = usedMs;
    this.#startedAt = now;
    this.#cpuAtStart = undefined;
    this.#askAgainAt = this.#startedAt + Math.min(EXACT_AFTER_MS, limitMs - usedMs);
  }

  /** CPU milliseconds the invocation has used so far. */
  usedMs(): number {
    if (this.#cpuAtStart === undefined) return this.#usedBefore + performance.now() - this.#startedAt;
    return this.#usedBefore + threadCpuMs() - this.#cpuAtStart;
  }

  /** Throws `lua_cancelled` or `lua_cpu_limit` where the invocation is to stop. `now` is `performance.now()`. */
  check(now: number): void {
    if (this.#cancelled()) throw new LuaError("lua_cancelled", "the invocation was cancelled while its script ran");
    if (now < this.#askAgainAt) return;
    this.#cpuAtStart ??= threadCpuMs() - (now - this.#startedAt);
    const left = this.#limitMs - this.usedMs();
    if (left <= 0) {
      throw new LuaError(
        "lua_cpu_limit",
        `the script used up its ${this.#limitMs} ms of CPU time: it may loop for ever, or needs a larger cpuMs`,
      );
    }
    this.#askAgainAt = now + left;
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
