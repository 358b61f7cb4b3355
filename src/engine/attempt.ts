/**
 * One attempt of one step: from the decision to make it, to its outcome.
 *
 * Owns: the place it waits for, its deadline and heartbeat, whether it rests, its AbortSignal, and the bound on how long a
 * worker may ignore that.
 * Does not own: whether its outcome counts, or whether it is tried again; the kernel decides. What it records of itself.
 *
 * T1  `settled` always resolves: after an abort at the latest one grace period later, whatever the worker does.
 * T2  The worker is not called before everything journaled so far is durable, if the attempt has effects (K4).
 * T3  An attempt that is entered again waits for nothing before its worker has it, and its worker is called even where it
 *     was aborted meanwhile: only the worker can withdraw what an earlier life asked for outside.
 * T4  The deadline counts from the journaled start, in every life of the attempt; silence counts from the entry.
 */
import type { JsonObject, StepKey, StepRequest } from "../flow/index.ts";
import type { AgentBinding, AttemptMemory, AttemptOutcome } from "../kernel/index.ts";
import type { Clock, Timer } from "./clock.ts";
import {
  type Dispatch,
  reportOf,
  type StepAbort,
  type StepCall,
  type StepEvent,
  type StepMemo,
  type StepOutcome,
} from "./dispatch.ts";
import type { Leave, Ticket } from "./fair-queue.ts";
import type { FairQueues } from "./fair-queues.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Rests } from "./rest.ts";

/** How long an aborted worker may take to answer before the attempt is closed without it, in milliseconds. */
export const ABORT_GRACE_MS = 10_000;

/** What is said of a deadline that was moved. */
const MOVED = "before its deadline, which was moved";

/** What an attempt needs of its surroundings. */
export interface AttemptPorts {
  readonly clock: Clock;
  readonly places: FairQueues;
  readonly dispatch: Dispatch;
  /** Called when the attempt has its place, before the worker gets it; resolves when the worker may start (T2). */
  readonly ready: () => Promise<void> | undefined;
  readonly onStart: (at: number) => void;
  readonly onEvent: (event: StepEvent) => void;
  /** Called when the attempt comes to rest, and when it no longer does. */
  readonly onRest: (resting: boolean) => void;
  readonly memo: StepMemo;
  /** Journals a moved deadline. Throws EngineError where it is refused; the promise resolves when it is durable. */
  readonly extend: (deadline: number) => Promise<void>;
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
  /** The run's fence when it was scheduled. */
  readonly fence: number;
  readonly memory: AttemptMemory;
  /** It is entered again (T3). */
  readonly attached: boolean;
}

/** A live attempt. */
export class Attempt {
  readonly order: AttemptOrder;
  /** The outcome (T1). Rejects only where the attempt could not be journaled as started. */
  readonly settled: Promise<AttemptOutcome>;
  readonly #ports: AttemptPorts;
  readonly #controller = new AbortController();
  readonly #overdue = Promise.withResolvers<void>();
  readonly #orderedAt: number;
  readonly #rests: Rests;
  readonly #heartbeat: Heartbeat | undefined;
  #graceTimer: Timer | undefined;
  #deadline: { readonly at: number; readonly timer: Timer } | undefined;
  #isOver = false;
  #hasWorker = false;

  constructor(order: AttemptOrder, ports: AttemptPorts) {
    this.order = order;
    this.#ports = ports;
    this.#orderedAt = ports.clock.now();
    const { heartbeatMs } = order.binding;
    if (heartbeatMs !== undefined) {
      const message = `agent '${order.request.ref}' gave no sign of life at step ${order.key} for ${heartbeatMs} ms (policy.heartbeat_ms)`;
      const lost = (): void => this.abort({ kind: "timeout", code: "heartbeat_lost", message });
      this.#heartbeat = new Heartbeat(ports.clock, heartbeatMs, lost);
    }
    this.#rests = new Rests((resting) => {
      if (this.#isOver) return;
      if (resting) this.#heartbeat?.stop();
      else if (!this.#controller.signal.aborted) this.#heartbeat?.start();
      ports.onRest(resting);
    });
    this.settled = this.#run();
  }

  /** Whether its worker has been called: before that it has asked for nothing in this life. */
  get hasWorker(): boolean {
    return this.#hasWorker;
  }

  /** Whether it only waits for something outside. */
  get rests(): boolean {
    return this.#rests.any;
  }

  /** When it wants to be in memory at the latest: its deadline, or the end of its rest. Undefined: never by itself. */
  get wakeAt(): number | undefined {
    const { until } = this.#rests;
    if (this.#deadline === undefined) return until;
    return until === undefined ? this.#deadline.at : Math.min(until, this.#deadline.at);
  }

  /** Something was said about it, by its worker or from outside. */
  emit(event: StepEvent): void {
    this.#heartbeat?.beat();
    this.#ports.onEvent(event);
  }

  /** Tells the worker to stop. A second abort changes nothing. */
  abort(reason: StepAbort): void {
    if (this.#controller.signal.aborted) return;
    this.#controller.abort(reason);
    this.#heartbeat?.stop();
    this.#graceTimer = this.#ports.clock.timer(this.#ports.clock.now() + ABORT_GRACE_MS, () => this.#overdue.resolve());
  }

  async #run(): Promise<AttemptOutcome> {
    const { order } = this;
    const { clock, ready, onStart } = this.#ports;
    const signal = this.#controller.signal;
    const queuedAt = clock.now();
    let leave: Leave | undefined;
    try {
      if (order.binding.concurrency !== undefined) {
        leave = await this.#place(order.binding.concurrency);
        if (leave === undefined) return stopped(signal, queuedAt);
      }
      const startedAt = order.memory.startedAt ?? clock.now();
      const barrier = order.attached ? undefined : ready();
      if (barrier !== undefined) await barrier;
      if (signal.aborted && !order.attached) return stopped(signal, queuedAt);
      const { timeoutMs } = order.binding;
      if (order.memory.deadline !== undefined) this.#giveUpAt(order.memory.deadline, MOVED);
      else if (timeoutMs !== undefined)
        this.#giveUpAt(startedAt + timeoutMs, `within ${timeoutMs} ms (policy.timeout_ms)`);
      onStart(startedAt);
      this.#heartbeat?.start();
      const outcome = await Promise.race([this.#dispatch(), this.#overdue.promise]);
      if (signal.aborted && (outcome === undefined || outcome.kind !== "pass"))
        return stopped(signal, startedAt, outcome ?? undefined);
      return { ...outcome, startedAt } as AttemptOutcome;
    } finally {
      this.#isOver = true;
      this.#deadline?.timer.cancel();
      this.#heartbeat?.stop();
      this.#graceTimer?.cancel();
      leave?.();
    }
  }

  /** One of so many places that all attempts of the agent on this host share; undefined: aborted meanwhile. */
  async #place(concurrency: number): Promise<Leave | undefined> {
    const { runId, key, attempt, attached, blueprintId, request } = this.order;
    const queue = this.#ports.places.queue(`agent ${blueprintId}/${request.ref}`, { concurrency });
    const ticket: Ticket = { runId, key, attempt, agent: request.ref, scheduledAt: this.#scheduledAt };
    // Its answer may be there already, and must not wait behind attempts that have none (T3).
    if (attached) return queue.take(ticket);
    return queue.wait(ticket, this.#controller.signal);
  }

  get #scheduledAt(): number {
    return this.order.memory.scheduledAt ?? this.#orderedAt;
  }

  #giveUpAt(at: number, limit: string): void {
    this.#deadline?.timer.cancel();
    const { key, request } = this.order;
    const message = `agent '${request.ref}' did not finish step ${key} ${limit}`;
    const timer = this.#ports.clock.timer(at, () => this.abort({ kind: "timeout", message }));
    this.#deadline = { at, timer };
  }

  async #dispatch(): Promise<StepOutcome> {
    const { order } = this;
    const { memo, extend } = this.#ports;
    this.#hasWorker = true;
    const call: StepCall = {
      runId: order.runId,
      key: order.key,
      attempt: order.attempt,
      stepId: order.stepId,
      agent: order.request.ref,
      input: order.request.input,
      context: order.context,
      idempotencyKey: `${order.runId}/${order.key}/${order.attempt}`,
      scheduledAt: this.#scheduledAt,
      fence: order.fence,
      ...(this.#deadline === undefined ? {} : { deadline: this.#deadline.at }),
      signal: this.#controller.signal,
      emit: (event) => this.emit(event),
      memo,
      rest: (until) => this.#rests.begin(until),
      extend: async (deadline) => {
        const durable = extend(deadline);
        if (!this.#isOver) this.#giveUpAt(deadline, MOVED);
        await durable;
      },
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
  const report = outcome === undefined ? {} : reportOf(outcome);
  if (reason.kind === "timeout") {
    return {
      kind: "timeout",
      startedAt,
      error: { code: reason.code ?? "step_timeout", message: reason.message, retryable: true },
      ...report,
    };
  }
  return {
    kind: "cancelled",
    startedAt,
    error: { code: "step_cancelled", message: reason.message, retryable: false },
    ...report,
  };
}

function defect(order: AttemptOrder, cause: unknown): string {
  return `the worker of agent '${order.request.ref}' failed unexpectedly: ${cause instanceof Error ? cause.message : String(cause)}`;
}
