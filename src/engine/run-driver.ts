/**
 * Drives one run: carries out what its kernel decides and reports back what happened.
 *
 * Owns: the kernel, the journal's end, the live attempts. Does not own: group commit (journal-writer), what an attempt
 * does (attempt), or which runs there are (engine).
 *
 * D1  Decisions are carried out in order; the appends of one call reach the writer together.
 * D2  `result` resolves when the run's end is durable and its attempts have settled, and rejects with EngineError when
 *     the run was lost or its journal could not be written: then nothing more is written and every attempt is aborted.
 */
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
}

/** The actor of one run. */
export class RunDriver {
  readonly run: DrivenRun;
  /** D2. */
  readonly result: Promise<RunResult>;
  readonly #ports: DriverPorts;
  readonly #attempts = new Map<string, Attempt>();
  readonly #timers = new Map<string, Timer>();
  readonly #observers = new Set<RunObserver>();
  readonly #finished = Promise.withResolvers<RunResult>();
  #stopped = false;

  constructor(run: DrivenRun, ports: DriverPorts) {
    this.run = run;
    this.#ports = ports;
    this.result = this.#finished.promise;
    // Whoever needs the result awaits it; a run nobody awaits must not end the process.
    this.result.catch(() => {});
  }

  /** Adds an observer; the returned function removes it. */
  observe(observer: RunObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Carries out decisions (D1). */
  carryOut(decisions: readonly Decision[]): void {
    if (this.#stopped) return;
    const { kernel, chain, fence, runId } = this.run;
    const now = this.#ports.clock.now();
    const sealed: SealedEntry[] = [];
    let result: RunResult | undefined;
    for (const decision of decisions) {
      if (decision.kind !== "append") continue;
      sealed.push(chain.seal(decision.body, { fence, at: now }, decision.value));
      this.#announceEntry(decision.body, now);
    }
    if (kernel.result !== undefined) result = kernel.result;
    this.#ports.writer.append({ runId, fence }, sealed, now, result === undefined ? undefined : rowPatch(result));
    for (const decision of decisions) {
      if (decision.kind === "attempt") this.#start(decision);
      else if (decision.kind === "abort")
        this.#attempts.get(attemptId(decision.key, decision.attempt))?.abort(ABORTS[decision.reason]);
      else if (decision.kind === "wake_at") this.#wakeAt(decision);
    }
    if (result !== undefined) void this.#end(result);
  }

  /** Cancels the run: aborts its attempts, waits for them within their grace, then finishes it. */
  async cancel(request: { readonly reason: string; readonly by: string }): Promise<void> {
    const decisions = this.run.kernel.cancel(request);
    if (decisions.length === 0) return;
    this.#stopTimers();
    this.carryOut(decisions);
    await this.#quiet();
    this.carryOut(this.run.kernel.finishCancelled(this.#ports.clock.now()));
  }

  /** Stops without finishing the run: aborts its attempts and journals nothing more. */
  async stop(error: Error): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopTimers();
    for (const attempt of this.#attempts.values()) attempt.abort({ kind: "cancelled", message: error.message });
    await this.#quiet();
    this.#finished.reject(error);
  }

  #start(decision: Extract<Decision, { kind: "attempt" }>): void {
    const { runId, executable, context } = this.run;
    const { key, attempt, request, binding } = decision;
    const live: Attempt = new Attempt(
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
        clock: this.#ports.clock,
        places: this.#ports.places,
        dispatch: executable.dispatch,
        ready: () => {
          if (decision.barrier)
            this.carryOut(this.run.kernel.started(key, attempt, executable.workerKind(request.ref)));
          else if (this.#ports.writer.backlog <= MAX_BACKLOG) return undefined;
          return this.#ports.writer.durable(runId);
        },
        onStart: (at) => this.#announce({ type: "step_started", at, key, attempt, agent: request.ref }),
        onEvent: (event) => this.#announce({ type: "step_event", at: this.#ports.clock.now(), key, attempt, event }),
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

  #completed(key: StepKey, attempt: number, outcome: AttemptOutcome): void {
    const { clock } = this.#ports;
    this.carryOut(this.run.kernel.complete(key, attempt, outcome, { now: clock.now(), random: clock.random() }));
  }

  #wakeAt({ key, attempt, at }: Extract<Decision, { kind: "wake_at" }>): void {
    this.#timers.get(key)?.cancel();
    const { clock } = this.#ports;
    const wake = (): void => {
      this.#timers.delete(key);
      this.carryOut(this.run.kernel.wake(key, attempt, clock.now()));
    };
    this.#timers.set(key, clock.timer(at, wake));
  }

  async #end(result: RunResult): Promise<void> {
    try {
      await this.#ports.writer.durable(this.run.runId);
      await this.#quiet();
    } catch (error) {
      await this.stop(error as Error);
      return;
    }
    this.#stopped = true;
    this.#ports.writer.forget(this.run.runId);
    this.#announce({ type: "run_finished", at: this.#ports.clock.now(), result });
    this.#finished.resolve(result);
  }

  /** Waits until no attempt is live; each settles within its own grace (attempt T1). */
  async #quiet(): Promise<void> {
    while (this.#attempts.size > 0)
      await Promise.allSettled([...this.#attempts.values()].map(({ settled }) => settled));
  }

  #stopTimers(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #announceEntry(body: Extract<Decision, { kind: "append" }>["body"], at: number): void {
    if (this.#observers.size === 0) return;
    if (body.type === "run_started") this.#announce({ type: "run_started", at });
    else if (body.type === "cancel_requested") this.#announce({ type: "cancel_requested", at, reason: body.reason });
    else if (body.type === "fanout_joined") {
      this.#announce({
        type: "fanout_joined",
        at,
        key: body.key,
        ...(body.winner === undefined ? {} : { winner: body.winner }),
      });
    } else if (body.type === "step_completed") {
      this.#announce({
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
      });
    }
  }

  #announce(event: RunEvent): void {
    for (const observer of this.#observers) observer(event);
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

function rowPatch(result: RunResult): { status: RunResult["status"]; error?: string } {
  return result.status === "failed" ? { status: "failed", error: result.error.message } : { status: result.status };
}
