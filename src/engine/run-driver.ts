/**
 * Drives one run: carries out what its kernel decides and reports back what happened.
 *
 * Owns: the kernel, the journal's end, the live attempts and timers. Does not own: group commit (journal-writer), what an
 * attempt does (attempt), or which runs there are (engine).
 *
 * D1  Decisions are carried out in order; the appends of one call reach the writer together.
 * D2  `settled` resolves once: `ended` when the run's end is durable and its attempts have stopped; `parked` when the run
 *     only waits and its row says so; `stopped` when the run was lost, its journal could not be written, or the engine
 *     closes: then nothing more is written and every attempt is aborted.
 * D3  While paused no attempt starts; those that were under way finish.
 */
import type { RunPatch } from "../../stores/ports.ts";
import type { JsonObject, StepKey } from "../flow/index.ts";
import type { AttemptOutcome, Decision, JournalChain, RunKernel, RunResult, SealedEntry } from "../kernel/index.ts";
import { Attempt } from "./attempt.ts";
import type { Clock, Timer } from "./clock.ts";
import type { StepAbort } from "./dispatch.ts";
import type { Executable } from "./executable.ts";
import type { FairSemaphore } from "./fair-semaphore.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { RunEvent, RunObserver } from "./run-events.ts";

/** Rows the whole engine may have on their way before pure steps wait for the disk too. */
const MAX_BACKLOG = 8192;

/** What a driver shares with the other drivers of its engine. */
export interface DriverPorts {
  readonly clock: Clock;
  readonly writer: JournalWriter;
  readonly places: FairSemaphore;
  /** `ST-` and 16 hex digits for a step of a run. */
  readonly stepId: (runId: string, key: StepKey) => string;
  /** How long a run that only waits stays in memory, in milliseconds. */
  readonly parkAfterMs: number;
  /** Told every event of the run. */
  readonly announce: RunObserver;
}

/** Which run is driven. */
export interface DrivenRun {
  readonly runId: string;
  readonly fence: number;
  readonly executable: Executable;
  readonly kernel: RunKernel;
  readonly chain: JournalChain;
  /** The launch's context. */
  readonly context: JsonObject;
  /** Claims since the run last made progress; back to 0 with its next completion. */
  readonly recoveryAttempts: number;
  /** Whether its journal ends paused (D3). */
  readonly paused: boolean;
}

/** Why a driver no longer drives (D2). */
export type DriverEnd =
  | { readonly kind: "ended"; readonly result: RunResult }
  | { readonly kind: "parked"; readonly wakeAt?: number }
  | { readonly kind: "stopped"; readonly error: Error };

type AttemptDecision = Extract<Decision, { readonly kind: "attempt" }>;

/** The actor of one run. */
export class RunDriver {
  readonly run: DrivenRun;
  /** D2. Never rejects. */
  readonly settled: Promise<DriverEnd>;
  readonly #ports: DriverPorts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #timers = new Map<StepKey, { readonly timer: Timer; readonly at: number }>();
  readonly #end = Promise.withResolvers<DriverEnd>();
  #held: AttemptDecision[] = [];
  #parkTimer: Timer | undefined;
  #paused: boolean;
  #closed = false;
  #stopped: Error | undefined;
  #progressed: boolean;

  constructor(run: DrivenRun, ports: DriverPorts) {
    this.run = run;
    this.#ports = ports;
    this.#progressed = run.recoveryAttempts === 0;
    this.#paused = run.paused;
    this.settled = this.#end.promise;
  }

  /** Whether calls still have an effect: false once the run's end is decided, or this driver has stopped. */
  get takesCalls(): boolean {
    return !this.#closed && this.run.kernel.result === undefined;
  }

  /** Carries out decisions (D1). */
  carryOut(decisions: readonly Decision[]): void {
    if (this.#closed) return;
    this.#stayAwake();
    const now = this.#ports.clock.now();
    this.#append(decisions, now);
    for (const decision of decisions) {
      if (decision.kind === "attempt") this.#start(decision);
      else if (decision.kind === "abort")
        this.#attempts.get(attemptId(decision.key, decision.attempt))?.abort(ABORTS[decision.reason]);
      else if (decision.kind === "wake_at") this.#wakeAt(decision);
    }
    const { result } = this.run.kernel;
    if (result === undefined) this.#parkWhenIdle();
    else void this.#finish(result);
  }

  /** Resolves when everything journaled so far is durable. Rejects with EngineError; always once the driver is stopped. */
  async durable(): Promise<void> {
    await this.#ports.writer.durable(this.run.runId);
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /** Cancels the run: aborts its attempts, waits for them within their grace, then finishes it. */
  async cancel(request: { readonly reason: string; readonly by: string }): Promise<void> {
    const decisions = this.run.kernel.cancel(request);
    if (decisions.length === 0) return;
    this.#stopTimers();
    this.#held = [];
    this.carryOut(decisions);
    await this.#quiet();
    this.carryOut(this.run.kernel.finishCancelled(this.#ports.clock.now()));
  }

  /** Lets no further attempt start until `unpause` (D3). */
  pause(request: { readonly reason: string }): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#write({ type: "run_suspended", code: "paused", reason: request.reason }, { status: "paused" });
    this.#parkWhenIdle();
  }

  /** Ends a pause. */
  unpause(request: { readonly reason: string }): void {
    if (this.#closed) return;
    this.#stayAwake();
    this.#paused = false;
    this.#write({ type: "run_resumed", reason: request.reason }, { status: "running" });
    const held = this.#held;
    this.#held = [];
    for (const decision of held) this.#start(decision);
    this.#parkWhenIdle();
  }

  /** Stops without finishing the run: aborts its attempts and journals nothing more. */
  async stop(error: Error): Promise<void> {
    if (this.#closed) return;
    this.#stopped = error;
    this.#close();
    for (const attempt of this.#attempts.values()) attempt.abort({ kind: "cancelled", message: error.message });
    await this.#quiet();
    // What is on its way may still be written; whoever waits for it is told that the driver stopped.
    await this.#ports.writer.durable(this.run.runId).catch(() => {});
    this.#ports.writer.forget(this.run.runId);
    this.#end.resolve({ kind: "stopped", error });
  }

  #append(decisions: readonly Decision[], now: number): void {
    const { chain, fence, runId, kernel } = this.run;
    const sealed: SealedEntry[] = [];
    let progress = false;
    for (const decision of decisions) {
      if (decision.kind !== "append") continue;
      sealed.push(chain.seal(decision.body, { fence, at: now }, decision.value));
      progress ||= decision.body.type === "step_completed";
      this.#announceEntry(decision.body, now);
    }
    const patch: RunPatch = {
      ...(kernel.result === undefined ? {} : rowPatch(kernel.result)),
      ...(progress && !this.#progressed ? { recoveryAttempts: 0 } : {}),
    };
    this.#progressed ||= progress;
    this.#ports.writer.append({ runId, fence }, sealed, now, patch);
  }

  #write(body: Extract<Decision, { kind: "append" }>["body"], patch: RunPatch): void {
    const { chain, fence, runId } = this.run;
    const now = this.#ports.clock.now();
    this.#ports.writer.append({ runId, fence }, [chain.seal(body, { fence, at: now })], now, patch);
  }

  #start(decision: AttemptDecision): void {
    if (this.#paused) {
      this.#held.push(decision);
      return;
    }
    const { runId, executable, context } = this.run;
    const { key, attempt, request, binding } = decision;
    const { clock, places, announce } = this.#ports;
    const live = new Attempt(
      {
        runId,
        stepId: this.#ports.stepId(runId, key),
        key,
        attempt,
        request,
        binding,
        blueprintId: executable.blueprint.id,
        context,
      },
      {
        clock,
        places,
        dispatch: executable.dispatch,
        ready: () => this.#ready(decision),
        onStart: (at) => announce({ type: "step_started", at, key, attempt, agent: request.ref }),
        onEvent: (event) => announce({ type: "step_event", at: clock.now(), key, attempt, event }),
      },
    );
    const id = attemptId(key, attempt);
    this.#attempts.set(id, live);
    live.settled.then(
      (outcome) => {
        this.#attempts.delete(id);
        this.#completed(key, attempt, outcome);
      },
      (error: unknown) => {
        this.#attempts.delete(id);
        void this.stop(error as Error);
      },
    );
  }

  /** When a worker may get the attempt: at once, or after what must be on disk before. */
  #ready({ key, attempt, request, barrier }: AttemptDecision): Promise<void> | undefined {
    const { kernel, executable } = this.run;
    if (barrier) this.carryOut(kernel.started(key, attempt, executable.workerKind(request.ref)));
    else if (this.#ports.writer.backlog <= MAX_BACKLOG) return undefined;
    return this.durable();
  }

  #completed(key: StepKey, attempt: number, outcome: AttemptOutcome): void {
    const { clock } = this.#ports;
    this.carryOut(this.run.kernel.complete(key, attempt, outcome, { now: clock.now(), random: clock.random() }));
  }

  #wakeAt({ key, attempt, at }: Extract<Decision, { kind: "wake_at" }>): void {
    this.#timers.get(key)?.timer.cancel();
    const { clock } = this.#ports;
    const wake = (): void => {
      this.#timers.delete(key);
      this.carryOut(this.run.kernel.wake(key, attempt, clock.now()));
    };
    this.#timers.set(key, { timer: clock.timer(at, wake), at });
  }

  async #finish(result: RunResult): Promise<void> {
    try {
      await this.durable();
      await this.#quiet();
    } catch (error) {
      await this.stop(error as Error);
      return;
    }
    if (this.#closed) return;
    this.#close();
    this.#ports.writer.forget(this.run.runId);
    this.#ports.announce({ type: "run_finished", at: this.#ports.clock.now(), result });
    this.#end.resolve({ kind: "ended", result });
  }

  /** Plans to leave memory where nothing is under way and nothing will be soon. */
  #parkWhenIdle(): void {
    const { clock, parkAfterMs } = this.#ports;
    if (this.#attempts.size > 0 || this.#parkTimer !== undefined || this.run.kernel.cancelling) return;
    const soon = clock.now() + 2 * parkAfterMs;
    if (!this.#paused && [...this.#timers.values()].some(({ at }) => at <= soon)) return;
    this.#parkTimer = clock.timer(clock.now() + parkAfterMs, () => {
      this.#parkTimer = undefined;
      // An attempt is counted only once it has begun, and its start is itself a call that plans this.
      if (this.#attempts.size === 0) void this.#park();
    });
  }

  async #park(): Promise<void> {
    const { fence, runId, chain } = this.run;
    const dues = [...this.#timers.values()].map(({ at }) => at);
    const wakeAt = this.#paused || dues.length === 0 ? undefined : Math.min(...dues);
    if (this.#paused) this.#held = [];
    this.#close();
    const now = this.#ports.clock.now();
    // To have come to rest is progress: being called back is not a recovery.
    const status = this.#paused ? "paused" : "waiting";
    const patch: RunPatch = { wakeAt: wakeAt ?? null, recoveryAttempts: 0, status };
    this.#ports.writer.patch({ runId, fence }, chain.nextSeq, now, patch);
    try {
      await this.durable();
      const until = wakeAt === undefined ? {} : { wakeAt };
      this.#ports.announce({ type: "run_parked", at: now, ...until });
      this.#end.resolve({ kind: "parked", ...until });
    } catch (error) {
      this.#end.resolve({ kind: "stopped", error: error as Error });
    }
    this.#ports.writer.forget(runId);
  }

  #stayAwake(): void {
    this.#parkTimer?.cancel();
    this.#parkTimer = undefined;
  }

  #close(): void {
    this.#closed = true;
    this.#stayAwake();
    this.#stopTimers();
  }

  #stopTimers(): void {
    for (const { timer } of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Waits until no attempt is live; each settles within its own grace (attempt T1). */
  async #quiet(): Promise<void> {
    while (this.#attempts.size > 0)
      await Promise.allSettled([...this.#attempts.values()].map(({ settled }) => settled));
  }

  #announceEntry(body: Extract<Decision, { kind: "append" }>["body"], at: number): void {
    const event = eventOf(body, at);
    if (event !== undefined) this.#ports.announce(event);
  }
}

const ABORTS: Readonly<Record<Extract<Decision, { kind: "abort" }>["reason"], StepAbort>> = {
  cancelled: { kind: "cancelled", message: "the run was cancelled" },
  lost_join: { kind: "cancelled", message: "another lane decided the fanout" },
  run_failed: { kind: "cancelled", message: "the run failed elsewhere" },
};

function attemptId(key: StepKey, attempt: number): string {
  return `${key}/${attempt}`;
}

function rowPatch(result: RunResult): RunPatch {
  return result.status === "failed" ? { status: "failed", error: result.error.message } : { status: result.status };
}

function eventOf(body: Extract<Decision, { kind: "append" }>["body"], at: number): RunEvent | undefined {
  switch (body.type) {
    case "run_started":
      return { type: "run_started", at };
    case "cancel_requested":
      return { type: "cancel_requested", at, reason: body.reason };
    case "fanout_joined":
      return {
        type: "fanout_joined",
        at,
        key: body.key,
        ...(body.winner === undefined ? {} : { winner: body.winner }),
      };
    case "step_completed":
      return {
        type: "step_completed",
        at,
        key: body.key,
        attempt: body.attempt,
        agent: body.agent,
        outcome: body.outcome,
        durationMs: at - body.started_at,
        ...(body.error === undefined ? {} : { message: body.error.message }),
        ...(body.retry_at === undefined ? {} : { retryAt: body.retry_at }),
        ...(body.stats === undefined ? {} : { stats: body.stats }),
      };
    default:
      return undefined;
  }
}
