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
 * D4  The run is parked when nothing is near and every live attempt rests and can be entered again. They are let go of
 *     first: none is under way when the row says that the run waits, and what they answer by then is not heard.
 * D5  An attempt that may have asked for something outside is told that it is over when the journal says so, not before: a
 *     host that has lost the run must not withdraw what the run's next owner waits for.
 */
import type { RunPatch } from "../../stores/ports.ts";
import type { JsonObject, StepKey } from "../flow/index.ts";
import {
  type AttemptMemory,
  type AttemptOutcome,
  attaches,
  type Decision,
  type JournalChain,
  type RunKernel,
  type RunResult,
  type SealedEntry,
} from "../kernel/index.ts";
import { Attempt } from "./attempt.ts";
import { checkDeadline, recordedMemos } from "./attempt-records.ts";
import type { Clock, Timer } from "./clock.ts";
import type { StepAbort, StepEvent } from "./dispatch.ts";
import { eventOf, rowPatch } from "./entry-events.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import type { FairQueues } from "./fair-queues.ts";
import type { JournalWriter } from "./journal-writer.ts";
import type { RunObserver } from "./run-events.ts";

/** Rows the whole engine may have on their way before pure steps wait for the disk too. */
const MAX_BACKLOG = 8192;

/** Entries sealed before the writer is given them: the store's thread writes the first of a fork's thousands meanwhile. */
const SEALED_AT_ONCE = 2_048;

/** What a driver shares with the other drivers of its engine. */
export interface DriverPorts {
  readonly clock: Clock;
  readonly writer: JournalWriter;
  readonly places: FairQueues;
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
  /** Of a child run: whose. */
  readonly parentRunId?: string;
  /** Whether its journal ends paused (D3). */
  readonly paused: boolean;
  /** Whether what brought it back has journaled that it is resumed. */
  readonly resumed: boolean;
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
  /** Attempts that have recorded something of themselves. */
  readonly #recorded = new Set<string>();
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
      else if (decision.kind === "abort") this.#abort(decision);
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
    if (this.#closed || (this.run.resumed && !this.#paused)) return;
    this.#stayAwake();
    this.#paused = false;
    this.#write({ type: "run_resumed", reason: request.reason }, { status: "running", error: null });
    const held = this.#held;
    this.#held = [];
    for (const decision of held) this.#start(decision);
    this.#parkWhenIdle();
  }

  /** Something was said about an attempt from outside. Dropped where the attempt is not live. */
  emit(key: StepKey, attempt: number, event: StepEvent): void {
    this.#attempts.get(attemptId(key, attempt))?.emit(event);
  }

  /** Somebody is about to need the run: it does not leave memory for as long as it otherwise waits before it does. */
  stir(): void {
    this.#stayAwake();
    this.#parkWhenIdle();
  }

  /** Stops without finishing the run: aborts its attempts and journals nothing more. */
  async stop(error: Error): Promise<void> {
    if (this.#closed) return;
    this.#stopped = error;
    this.#close();
    for (const attempt of this.#attempts.values()) attempt.abort({ kind: "parked", message: error.message });
    await this.#quiet();
    // What is on its way may still be written; whoever waits for it is told that the driver stopped.
    await this.#ports.writer.durable(this.run.runId).catch(() => {});
    this.#ports.writer.forget(this.run.runId);
    this.#end.resolve({ kind: "stopped", error });
  }

  #append(decisions: readonly Decision[], now: number): void {
    const { chain, fence, runId, kernel } = this.run;
    let sealed: SealedEntry[] = [];
    let progress = false;
    for (const decision of decisions) {
      if (decision.kind !== "append") continue;
      if (sealed.length === SEALED_AT_ONCE) {
        this.#ports.writer.append({ runId, fence }, sealed, now);
        sealed = [];
      }
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
    const { key, attempt, request, binding, memory, attached } = decision;
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
        fence: memory.fence ?? this.run.fence,
        memory,
        attached,
      },
      {
        clock,
        places,
        dispatch: executable.dispatch,
        ready: () => this.#ready(decision),
        onStart: (at) => announce({ type: "step_started", at, key, attempt, agent: request.ref }),
        onEvent: (event) => announce({ type: "step_event", at: clock.now(), key, attempt, event }),
        onRest: () => this.stir(),
        memo: recordedMemos(
          () => this.#memory(key, attempt)?.memos,
          (memo, value) => this.#record(decision, (worker) => this.run.kernel.memo(key, attempt, worker, memo, value)),
        ),
        extend: (deadline) => {
          checkDeadline(deadline, clock.now());
          return this.#record(decision, (worker) => this.run.kernel.extend(key, attempt, worker, deadline));
        },
      },
    );
    const id = attemptId(key, attempt);
    this.#attempts.set(id, live);
    if (memory.attach) this.#recorded.add(id);
    live.settled.then(
      (outcome) => {
        this.#attempts.delete(id);
        this.#recorded.delete(id);
        // Let go of, its answer is not heard (D4).
        if (!this.#closed) this.#completed(key, attempt, outcome);
      },
      (error: unknown) => {
        this.#attempts.delete(id);
        void this.stop(error as Error);
      },
    );
  }

  /** D5. */
  #abort({ key, attempt, reason }: Extract<Decision, { kind: "abort" }>): void {
    const id = attemptId(key, attempt);
    const live = this.#attempts.get(id);
    if (live === undefined) return;
    const isInside = !live.hasWorker || (live.order.binding.pure && !this.#recorded.has(id));
    if (isInside) live.abort(ABORTS[reason]);
    else {
      this.durable().then(
        () => live.abort(ABORTS[reason]),
        (error: unknown) => this.stop(error as Error),
      );
    }
  }

  /** What the kernel keeps of an attempt under way. */
  #memory(key: StepKey, attempt: number): AttemptMemory | undefined {
    const step = this.run.kernel.openSteps.get(key);
    return step?.attempt === attempt ? step.memory : undefined;
  }

  /** Journals something an attempt says of itself. Resolves when it is durable. @throws EngineError `attempt_over`. */
  #record(
    { key, attempt, request }: AttemptDecision,
    ask: (worker: string) => readonly Decision[] | undefined,
  ): Promise<void> {
    const decisions = this.#closed ? undefined : ask(this.run.executable.workerKind(request.ref));
    if (decisions === undefined) {
      const message = `attempt ${attempt} of step ${key} is over or was let go of: nothing more can be recorded of it`;
      throw new EngineError("attempt_over", message, { details: { runId: this.run.runId, key, attempt } });
    }
    this.#recorded.add(attemptId(key, attempt));
    this.carryOut(decisions);
    return this.durable();
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
      await this.run.executable.settle?.(this.run.runId);
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
    if (this.#parkTimer !== undefined || !this.#isIdle()) return;
    const { clock, parkAfterMs } = this.#ports;
    this.#parkTimer = clock.timer(clock.now() + parkAfterMs, () => {
      this.#parkTimer = undefined;
      if (this.#isIdle()) void this.#park();
    });
  }

  /** D4. */
  #isIdle(): boolean {
    if (this.#closed || this.run.kernel.cancelling || this.run.kernel.result !== undefined) return false;
    for (const { order, rests } of this.#attempts.values()) {
      const step = this.run.kernel.openSteps.get(order.key);
      if (!rests || step === undefined || !step.started || !attaches(step)) return false;
    }
    const next = this.#nextDue();
    return this.#paused || next === undefined || next > this.#ports.clock.now() + 2 * this.#ports.parkAfterMs;
  }

  /** The earliest time a timer or an attempt wants the run in memory. */
  #nextDue(): number | undefined {
    const timers = [...this.#timers.values()].map(({ at }) => at);
    const attempts = [...this.#attempts.values()].flatMap(({ wakeAt }) => (wakeAt === undefined ? [] : [wakeAt]));
    const dues = [...timers, ...attempts];
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  async #park(): Promise<void> {
    const { fence, runId, chain } = this.run;
    const wakeAt = this.#paused ? undefined : this.#nextDue();
    if (this.#paused) this.#held = [];
    this.#close();
    for (const attempt of this.#attempts.values()) attempt.abort(PARKED);
    await this.#quiet();
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

const PARKED: StepAbort = { kind: "parked", message: "the run leaves memory while it waits" };

function attemptId(key: StepKey, attempt: number): string {
  return `${key}/${attempt}`;
}
