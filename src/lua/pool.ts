/**
 * LuaPool: runs invocations on worker threads.
 *
 * Owns: admission, host calls, cancellation, what the caller gets in the end.
 * Does not own: which thread runs what (scheduler.ts), execution (vm.ts).
 *
 * P1  Every accepted job is settled exactly once: with its result, its failure, or `lua_cancelled`.
 * P2  A job that calls the host holds no thread while it waits (execution.ts, X1), so host calls may themselves invoke.
 *     What it holds is the memory it changed, some fifty kilobytes at least; MAX_PARKED_BYTES bounds the sum.
 *
 *     invoke -> queued -> executing -> settled
 *                 ^           |
 *                 +- waits for the host
 */
import { availableParallelism } from "node:os";
import type { Json } from "../flow/index.ts";
import { LuaError } from "./error.ts";
import type { Answer, Parked, StretchEnd } from "./execution.ts";
import { failureError } from "./failure.ts";
import { ImageIds } from "./image-ids.ts";
import type { LuaInvocation, LuaResult } from "./invocation.ts";
import { checkInvocation } from "./invocation-check.ts";
import type { Job } from "./job.ts";
import { checkJson } from "./json-check.ts";
import { AUTHORING_LIMITS, type LuaLimits, resolveLimits, WORKER_LIMITS } from "./limits.ts";
import type { ThreadLoss } from "./pool-thread.ts";
import { JobScheduler } from "./scheduler.ts";

/** See `LuaPool`. */
export interface LuaPoolOptions {
  /** Most worker threads; each is started when first needed. Default: one less than the cores, at least 1, at most 2. */
  readonly threads?: number;
  /** Over the defaults of each kind, under those of the invocation. */
  readonly limits?: Partial<LuaLimits>;
  /** Invocations accepted and not yet settled, those that wait for the host included. Default 10 000. */
  readonly maxQueued?: number;
}

/** What a pool is doing. */
export interface LuaPoolStats {
  /** Threads started and alive. */
  readonly threads: number;
  /** Invocations not sent to a thread yet. */
  readonly queued: number;
  /** Invocations a thread holds. */
  readonly sent: number;
  /** Invocations that wait for a host call. */
  readonly waiting: number;
  /** Invocations that ran on the calling thread since the pool was made: lone ones, of scripts known to be quick. */
  readonly inline: number;
  /** Invocations settled since the pool was made. */
  readonly settled: number;
  /** Threads lost because they hung or died. Each is replaced when next needed. */
  readonly replaced: number;
}

const MAX_THREADS = 64;
const MAX_QUEUED = 1_000_000;

/** Input of one invocation, in bytes, whatever its memory limit. */
const MAX_INPUT_BYTES = 64 * 1_048_576;

/** Memory of all scripts that wait for the host, in bytes. Past it a host call fails its invocation with `lua_busy`. */
const MAX_PARKED_BYTES = 1_024 * 1_048_576;

/** A pool of worker threads, each with one VM. Make one a process and dispose of it at the end. */
export class LuaPool implements AsyncDisposable {
  readonly #maxQueued: number;
  readonly #limits: Readonly<Record<LuaInvocation["image"]["kind"], LuaLimits>>;
  readonly #images = new ImageIds();
  readonly #scheduler: JobScheduler;
  readonly #jobs = new Set<Job>();
  #isClosed = false;
  #waiting = 0;
  #parkedBytes = 0;
  #settled = 0;

  /** Throws `lua_invalid` for options out of bounds. Starts nothing. */
  constructor(options: LuaPoolOptions = {}) {
    const { threads = Math.min(2, Math.max(1, availableParallelism() - 1)), maxQueued = 10_000, limits } = options;
    this.#maxQueued = within("maxQueued", maxQueued, MAX_QUEUED);
    this.#limits = {
      worker: resolveLimits(WORKER_LIMITS, limits),
      authoring: resolveLimits(AUTHORING_LIMITS, limits),
    };
    this.#scheduler = new JobScheduler(within("threads", threads, MAX_THREADS), {
      ended: (job, end) => this.#ended(job, end),
      lost: (job, loss) => this.#settle(job, lossError(job, loss)),
    });
  }

  /** Starts a thread where there is none, for somebody who knows that work is coming. */
  warm(): void {
    if (!this.#isClosed) this.#scheduler.warm();
  }

  /** Runs an invocation. Rejects with a LuaError (error.ts lists the codes) and with nothing else. */
  invoke(invocation: LuaInvocation): Promise<LuaResult> {
    return new Promise((resolve, reject) => this.#accept(invocation, resolve, reject));
  }

  #accept(invocation: LuaInvocation, resolve: Job["resolve"], reject: Job["reject"]): void {
    const { image, signal, globals, seed } = invocation;
    if (this.#isClosed) throw new LuaError("lua_cancelled", "the Lua pool is closed: nothing can be run any more");
    if (signal?.aborted === true) throw new LuaError("lua_cancelled", "the invocation was cancelled before it began");
    if (this.#jobs.size >= this.#maxQueued) {
      const message = `the Lua pool holds ${this.#jobs.size} invocations, as many as it may: try again later`;
      throw new LuaError("lua_busy", message);
    }
    checkInvocation(invocation);
    const limits = resolveLimits(this.#limits[image.kind], invocation.limits);
    let inputBytes = 0;
    for (const [name, value] of Object.entries(globals ?? {})) {
      inputBytes += checkInput(value, `global ${name}`, limits, inputBytes);
    }

    const start = { ...(globals !== undefined && { globals }), ...(seed !== undefined && { seed }) };
    const imageId = this.#images.idOf(image);
    const job: Job = {
      invocation,
      image,
      imageId,
      limits,
      resolve,
      reject,
      step: { start },
      inputBytes,
      printed: [],
      settled: false,
    };
    this.#jobs.add(job);
    if (signal !== undefined) {
      const abort = () => this.#cancel(job, "the invocation was cancelled");
      signal.addEventListener("abort", abort, { once: true });
      job.detach = () => signal.removeEventListener("abort", abort);
    }
    this.#scheduler.add(job);
  }

  /** What the pool is doing at the moment. */
  stats(): LuaPoolStats {
    return { ...this.#scheduler.counts, waiting: this.#waiting, settled: this.#settled };
  }

  /** Cancels what is left and ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const job of [...this.#jobs]) this.#cancel(job, "the Lua pool was closed");
    await this.#scheduler.close();
  }

  #ended(job: Job, end: StretchEnd): void {
    job.printed.push(...end.printed);
    if (end.kind === "failure") {
      this.#settle(job, failureError(end.failure, job.printed));
    } else if (end.kind === "call") {
      void this.#callHost(job, end.name, end.argument, end.parked);
    } else {
      const { value, positions, warnings } = end;
      this.#settle(job, {
        value,
        printed: job.printed,
        ...(positions !== undefined && { positions }),
        ...(warnings !== undefined && { warnings }),
      });
    }
  }

  /** Lets the host answer, then queues the job again. Never rejects: what goes wrong is the script's to know. */
  async #callHost(job: Job, name: string, argument: Json, parked: Parked): Promise<void> {
    const bytes = parked.memory.size;
    if (this.#parkedBytes + bytes > MAX_PARKED_BYTES) {
      const message = `host.${name}: waiting scripts hold ${this.#parkedBytes} bytes and no more fit: try again later`;
      this.#settle(job, new LuaError("lua_busy", message));
      return;
    }
    this.#waiting += 1;
    this.#parkedBytes += bytes;
    const answer = await this.#answer(job, name, argument);
    this.#waiting -= 1;
    this.#parkedBytes -= bytes;
    if (job.settled) return;
    job.step = { parked, answer };
    this.#scheduler.add(job);
  }

  async #answer(job: Job, name: string, argument: Json): Promise<Answer> {
    const { host } = job.invocation;
    if (host === undefined) return { ok: false, message: `host.${name}: this invocation has no host to call` };
    job.hostCalls ??= new AbortController();
    try {
      const value = (await host(name, argument, job.hostCalls.signal)) ?? null;
      job.inputBytes = checkInput(value, `the answer of host.${name}`, job.limits, 0);
      return { ok: true, value };
    } catch (error) {
      return { ok: false, message: `host.${name}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #cancel(job: Job, message: string): void {
    this.#scheduler.remove(job);
    this.#settle(job, new LuaError("lua_cancelled", message));
  }

  #settle(job: Job, outcome: LuaResult | LuaError): void {
    if (job.settled) return;
    job.settled = true;
    job.detach?.();
    this.#jobs.delete(job);
    this.#settled += 1;
    job.hostCalls?.abort(new LuaError("lua_cancelled", "the invocation that made this host call has ended"));
    if (outcome instanceof LuaError) job.reject(outcome);
    else job.resolve(outcome);
  }
}

function lossError(job: Job, { reason, detail }: ThreadLoss): LuaError {
  const place = { chunk: job.image.chunkName };
  if (reason === "died") return new LuaError("lua_thread_lost", `the Lua thread was lost: ${detail}`, place);
  const message = `the script kept its thread busy beyond its wall limit: ${detail}; the thread was replaced`;
  return new LuaError("lua_cpu_limit", message, place);
}

/** The size of a value that is to enter the VM. Throws where it is not JSON, or too large with what is there. */
function checkInput(value: unknown, subject: string, limits: LuaLimits, bytesBefore: number): number {
  const bytes = checkJson(value, subject, limits.maxDepth);
  const most = Math.min(limits.memoryBytes, MAX_INPUT_BYTES);
  if (bytesBefore + bytes <= most) return bytes;
  throw new LuaError(
    "lua_memory_limit",
    `${subject} brings the input to ${bytesBefore + bytes} bytes, more than ${most}`,
  );
}

function within(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new LuaError("lua_invalid", `${name} is ${value}: give an integer from 1 to ${most}`);
}
