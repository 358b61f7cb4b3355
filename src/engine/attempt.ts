/**
 * One attempt of one step: from the decision to make it, to its outcome.
 *
 * Owns: the place it waits for, its deadline, its AbortSignal, and the bound on how long a worker may ignore that.
 * Does not own: whether its outcome counts, or whether it is tried again; the kernel decides.
 *
 * T1  `settled` always resolves: after an abort at the latest one grace period later, whatever the worker does.
 * T2  The worker is not called before everything journaled so far is durable, if the attempt has effects (K4).
 */
import type { JsonObject, StepKey, StepRequest } from "../flow/index.ts";
import type { AgentBinding, AttemptOutcome } from "../kernel/index.ts";
import type { Clock, Timer } from "./clock.ts";
import type { Dispatch, StepAbort, StepCall, StepEvent, StepOutcome } from "./dispatch.ts";
import type { FairSemaphore, Release } from "./fair-semaphore.ts";

/** How long an aborted worker may take to answer before the attempt is closed without it, in milliseconds. */
export const ABORT_GRACE_MS = 10_000;

/** What an attempt needs of its surroundings. */
export interface AttemptPorts {
  readonly clock: Clock;
  readonly places: FairSemaphore;
  readonly dispatch: Dispatch;
  /** Called when the attempt has its place, before the worker gets it; resolves when the worker may start (T2). */
  readonly ready: () => Promise<void> | undefined;
  readonly onStart: (at: number) => void;
  readonly onEvent: (event: StepEvent) => void;
}

/** Which attempt. */
export interface AttemptOrder {
  readonly runId: string;
  readonly stepId: string;
  readonly key: StepKey;
  readonly attempt: number;
  readonly request: StepRequest;
  readonly binding: AgentBinding;
  readonly blueprintId: string;
  readonly context: JsonObject;
}

/** A live attempt. */
export class Attempt {
  readonly order: AttemptOrder;
  /** The outcome (T1). Rejects only where the attempt could not be journaled as started. */
  readonly settled: Promise<AttemptOutcome>;
  readonly #ports: AttemptPorts;
  readonly #controller = new AbortController();
  readonly #overdue = Promise.withResolvers<void>();
  #graceTimer: Timer | undefined;

  constructor(order: AttemptOrder, ports: AttemptPorts) {
    this.order = order;
    this.#ports = ports;
    this.settled = this.#run();
  }

  /** Tells the worker to stop. A second abort changes nothing. */
  abort(reason: StepAbort): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    this.#graceTimer = this.#ports.clock.timer(this.#ports.clock.now() + ABORT_GRACE_MS, () => this.#overdue.resolve());
  }

  async #run(): Promise<AttemptOutcome> {
    const { order, clock } = { order: this.order, clock: this.#ports.clock };
    const signal = this.#controller.signal;
    const queuedAt = clock.now();
    let release: Release | undefined;
    let deadlineTimer: Timer | undefined;
    try {
      if (order.binding.concurrency !== undefined) {
        release = await this.#ports.places.acquire(
          `${order.blueprintId}/${order.request.ref}`,
          order.binding.concurrency,
          signal,
        );
        if (release === undefined) return stopped(signal, queuedAt);
      }
      const barrier = this.#ports.ready();
      if (barrier !== undefined) await barrier;
      if (signal.aborted) return stopped(signal, queuedAt);
      const startedAt = clock.now();
      const { timeoutMs } = order.binding;
      if (timeoutMs !== undefined) {
        deadlineTimer = clock.timer(startedAt + timeoutMs, () =>
          this.abort({ kind: "timeout", message: overtime(order, timeoutMs) }),
        );
      }
      this.#ports.onStart(startedAt);
      const outcome = await Promise.race([this.#dispatch(startedAt), this.#overdue.promise]);
      if (signal.aborted && (outcome === undefined || outcome.kind !== "pass"))
        return stopped(signal, startedAt, outcome ?? undefined);
      return { ...outcome, startedAt } as AttemptOutcome;
    } finally {
      deadlineTimer?.cancel();
      this.#graceTimer?.cancel();
      release?.();
    }
  }

  async #dispatch(startedAt: number): Promise<StepOutcome> {
    const { order } = this;
    const { timeoutMs } = order.binding;
    const call: StepCall = {
      runId: order.runId,
      key: order.key,
      attempt: order.attempt,
      stepId: order.stepId,
      agent: order.request.ref,
      input: order.request.input,
      context: order.context,
      idempotencyKey: `${order.runId}/${order.key}/${order.attempt}`,
      ...(timeoutMs === undefined ? {} : { deadline: startedAt + timeoutMs }),
      signal: this.#controller.signal,
      emit: this.#ports.onEvent,
    };
    try {
      return await this.#ports.dispatch(call);
    } catch (cause) {
      return { kind: "error", error: { code: "worker_defect", message: defect(order, cause), retryable: false } };
    }
  }
}

function stopped(signal: AbortSignal, startedAt: number, outcome?: StepOutcome): AttemptOutcome {
  const reason = signal.reason as StepAbort;
  const stats = outcome?.stats === undefined ? {} : { stats: outcome.stats };
  if (reason.kind === "timeout") {
    return {
      kind: "timeout",
      startedAt,
      error: { code: "step_timeout", message: reason.message, retryable: true },
      ...stats,
    };
  }
  return {
    kind: "cancelled",
    startedAt,
    error: { code: "step_cancelled", message: reason.message, retryable: false },
    ...stats,
  };
}

function overtime(order: AttemptOrder, timeoutMs: number): string {
  return `agent '${order.request.ref}' did not finish step ${order.key} within ${timeoutMs} ms (policy.timeout_ms)`;
}

function defect(order: AttemptOrder, cause: unknown): string {
  return `the worker of agent '${order.request.ref}' failed unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`;
}
