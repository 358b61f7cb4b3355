/**
 * One run as a state machine: what happened goes in, decisions come out.
 *
 * Owns: the flow machine, the open steps and their attempts, and what is journaled when.
 * Does not own: time, randomness, I/O, or whether a decision has been carried out; the driver (src/engine) does. How a
 * journal is read back is in replay.ts.
 *
 * K1  Every call returns decisions in the order they must be carried out; `append` decisions are journal order.
 * K2  A step key has at most one open attempt, and at most one accepted completion, ever.
 * K3  What is decided depends only on the calls and their order: making the calls that a journal records, in its order,
 *     decides the same appends again. Replay checks each against the journal.
 * K4  An attempt with `barrier` may start only when all appends before it are durable (output commit).
 * K5  After `finished` nothing is decided any more.
 */
import canonicalize from "canonicalize";
import {
  deepEqual,
  type Externs,
  type FlowEvent,
  FlowMachine,
  type Json,
  ownValue,
  type StepKey,
  type StepRequest,
} from "../flow/index.ts";
import { attaches, type Memo, NO_MEMORY } from "./attempt-memory.ts";
import { BEHAVIOURS, knownBehaviour } from "./behaviour.ts";
import { type CompletionOrigin, completionOf } from "./completion.ts";
import {
  type AbortReason,
  type AppendDecision,
  appendsOf,
  type Decision,
  type KeptState,
  type KernelOptions,
  type RestartOptions,
  type RestoreOptions,
  type SavedKernel,
  type StartOptions,
} from "./decision.ts";
import { type AgentBinding, backoffMs, type RunDefinition } from "./definition.ts";
import { checkDigests, checkSame } from "./divergence.ts";
import type { BehaviourFlag, HashText, JournalEntry, StepDigests } from "./entry.ts";
import type { ValuelessBody } from "./journal-chain.ts";
import { JournaledExterns } from "./journaled-externs.ts";
import { NO_AGENT, type OpenStep, type RecordedCompletion, retries, reusable } from "./open-step.ts";
import { type AttemptOutcome, flowOutcome } from "./outcome.ts";
import { repeat } from "./repetition.ts";
import { type RunResult, runFailure } from "./run-result.ts";
import type { Seat, SeatChange } from "./seats.ts";
import { SignalBox } from "./signal-box.ts";
import { readWait, waited } from "./waiting.ts";

/** The state machine of one run. */
export class RunKernel {
  readonly definition: RunDefinition;
  readonly #hash: HashText;
  readonly #records: ReadonlyMap<StepKey, RecordedCompletion>;
  readonly #used: ReadonlyMap<StepKey, number>;
  readonly #keepBefore: number;
  readonly #behaviour: ReadonlySet<BehaviourFlag>;
  readonly #machine: FlowMachine;
  readonly #open = new Map<StepKey, OpenStep>();
  readonly #signals = new SignalBox();
  readonly #seats = new Map<string, Seat>();
  /** Open steps that no worker gets, not settled yet. */
  readonly #workerless: OpenStep[] = [];
  #decisions: Decision[] = [];
  /** During a replay: what the entries so far have decided and the journal has yet to show. */
  #expected: AppendDecision[] = [];
  #cancel: { readonly reason: string } | undefined;
  #result: RunResult | undefined;

  private constructor(definition: RunDefinition, options: KernelOptions, machine: (externs: Externs) => FlowMachine) {
    this.definition = definition;
    this.#hash = options.hash;
    this.#records = options.records ?? new Map();
    this.#used = options.used ?? new Map();
    this.#keepBefore = options.keepBefore ?? 0;
    this.#behaviour = options.behaviour ?? new Set();
    const append = (body: ValuelessBody, value: Json): void => {
      this.#decisions.push({ kind: "append", body, value });
    };
    const { externValues: recorded, offeredExterns: offered } = options;
    this.#machine = machine(
      new JournaledExterns(definition, append, {
        ...(recorded === undefined ? {} : { recorded }),
        ...(offered === undefined ? {} : { offered }),
      }),
    );
  }

  /** A new run: journals its start and asks for its first steps. */
  static start(
    definition: RunDefinition,
    ctx: Json,
    options: KernelOptions & StartOptions,
  ): { readonly kernel: RunKernel; readonly decisions: readonly Decision[] } {
    const kernel = RunKernel.#begin(definition, ctx, { ...options, behaviour: new Set(BEHAVIOURS.keys()) });
    const { engine, context, forkedFrom, parent } = options;
    const body: ValuelessBody = {
      type: "run_started",
      blueprint: definition.blueprint,
      flow: definition.flowDigest,
      behaviour: [...kernel.#behaviour],
      engine,
      ...(forkedFrom === undefined ? {} : { forked_from: forkedFrom }),
      ...(parent === undefined ? {} : { parent }),
      context,
    };
    kernel.#decisions.unshift({ kind: "append", body, value: ctx });
    kernel.#advance(options.now);
    return { kernel, decisions: kernel.#drain() };
  }

  /** A run as `save` left it. What happened since follows through `apply`, then `resume`. */
  static restore(definition: RunDefinition, saved: SavedKernel, options: RestoreOptions): RunKernel {
    const behaviour = knownBehaviour(saved.behaviour ?? []);
    const kernel = new RunKernel(definition, { ...options, behaviour }, (externs) =>
      FlowMachine.restore(definition.program, saved.machine, { externs }),
    );
    const requests = new Map([...kernel.#machine.pending()].map((request) => [request.key, request]));
    for (const { key, ...step } of saved.open) {
      const request = requests.get(key);
      const binding = request === undefined ? undefined : definition.binding(request.ref);
      if (request === undefined || binding === undefined) continue;
      const digests = { ...step.digests, binding: binding.digest };
      if (kernel.#keepBefore === 0) checkDigests(options.at, { key, agent: request.ref }, step.digests, digests);
      kernel.#open.set(key, { request, binding, ...step, digests, memory: step.memory ?? NO_MEMORY });
    }
    kernel.#load(saved);
    kernel.#cancel = saved.cancel;
    return kernel;
  }

  /**
   * A run whose journal begins here, with its `run_started` or with the last of its reruns; the other entries follow
   * through `apply`, then `resume`.
   */
  static restart(definition: RunDefinition, ctx: Json, options: RestartOptions): RunKernel {
    const kernel = RunKernel.#begin(definition, ctx, options);
    if (options.kept !== undefined) kernel.#load(options.kept);
    kernel.#advance(options.now);
    kernel.#expected = appendsOf(kernel.#drain());
    return kernel;
  }

  /**
   * Replays one entry: either the next append that the entries before it made the kernel decide, or a record of a call,
   * which is made again.
   * @throws KernelError `divergence` where the flow does not ask for what the entry records.
   */
  apply(entry: JournalEntry, value: Json | undefined): void {
    if (this.#expected.length === 0) this.#expected = appendsOf(repeat(this, entry, value));
    const decided = this.#expected.shift();
    checkSame(entry, decided?.body, entry.seq < this.#keepBefore);
    const step = "key" in entry && entry.key !== undefined ? this.#open.get(entry.key) : undefined;
    if (step === undefined) return;
    // What the kernel cannot know by itself: times and the fence are the record's.
    if (entry.type === "step_scheduled") step.memory = { scheduledAt: entry.at, ...step.memory, fence: entry.fence };
    else if (entry.type === "step_started") step.memory = { ...step.memory, startedAt: entry.at };
    else if (entry.type === "timer_set") step.wakeAt = entry.due_at;
    else if (entry.type === "step_completed" && entry.retry_at !== undefined) step.wakeAt = entry.retry_at;
  }

  /**
   * Ends a replay: what the journal's end still lacks, then a new try of every step it left open. An attempt that no
   * worker can have got keeps its number; one that may have been under way is entered again where it can be attached to,
   * else the step gets the next.
   * @param record journaled before anything new is.
   */
  resume(now: number, record?: ValuelessBody): readonly Decision[] {
    this.#decisions = [...this.#expected];
    this.#expected = [];
    if (record !== undefined) this.#decisions.push({ kind: "append", body: record });
    if (this.#result !== undefined) {
      this.#decisions.push({ kind: "finished", result: this.#result });
      return this.#drain();
    }
    if (this.#cancel !== undefined) return [...this.#drain(), ...this.finishCancelled(now)];
    for (const [key, step] of [...this.#open]) {
      const { attempt, phase, wakeAt, started } = step;
      if (wakeAt !== undefined) this.#decisions.push({ kind: "wake_at", key, attempt, at: wakeAt });
      else if (phase === "running" && started && !attaches(step)) this.#nextAttempt(step);
      else if (phase === "running") this.#dispatch(step);
    }
    this.#advance(now);
    return this.#drain();
  }

  /** The run as JSON, so that a replay need not begin at the journal's start. Only between calls, and not once it has ended. */
  save(): SavedKernel {
    const open = [...this.#open].map(([key, { request: _request, binding: _binding, ...step }]) => ({ key, ...step }));
    const cancel = this.#cancel === undefined ? {} : { cancel: this.#cancel };
    const signals = this.#signals.save();
    const seats = [...this.#seats.values()];
    return { behaviour: [...this.#behaviour], machine: this.#machine.save(), open, signals, seats, ...cancel };
  }

  /** What would outlive the course the flow takes: signals nobody waits for any more, and seats. */
  get kept(): KeptState {
    return { signals: { ...this.#signals.save(), waiting: [] }, seats: [...this.#seats.values()] };
  }

  /** How the run ended; undefined while it has not. */
  get result(): RunResult | undefined {
    return this.#result;
  }

  /** Whether a cancel is being carried out. */
  get cancelling(): boolean {
    return this.#cancel !== undefined && this.#result === undefined;
  }

  /** The ctx as far as the flow has come. */
  get ctx(): Json {
    return this.#machine.ctx;
  }

  /** The open steps, in the order the flow asked for them. */
  get openSteps(): ReadonlyMap<StepKey, Readonly<OpenStep>> {
    return this.#open;
  }

  /** The journal is at this attempt of a step, and has scheduled it or has its end: for replay alone. */
  reach(key: StepKey, attempt: number, scheduled: boolean): readonly Decision[] {
    const step = this.#open.get(key);
    if (step !== undefined && step.attempt < attempt) this.#nextAttempt(step);
    // A pure step's attempt is scheduled in the journal only once it records something.
    if (scheduled && step?.phase === "running" && !step.journaled) this.#journal(step);
    return this.#drain();
  }

  /** A worker is about to get the attempt. Journaled where the attempt has effects, before they can happen. */
  started(key: StepKey, attempt: number, worker: string): readonly Decision[] {
    const step = this.#open.get(key);
    if (this.#result !== undefined || step?.attempt !== attempt || !step.journaled || step.started) return [];
    step.started = true;
    return [{ kind: "append", body: { type: "step_started", key, attempt, worker } }];
  }

  /**
   * An attempt records something for its later lives. Undefined: it is not under way. The same again decides nothing.
   * @param worker the worker kind it is journaled with, where it was not to be journaled before its end.
   */
  memo(key: StepKey, attempt: number, worker: string, memo: Memo, value: Json): readonly Decision[] | undefined {
    const step = this.#recording(key, attempt, worker);
    if (step === undefined) return undefined;
    const { name, attach } = memo;
    const { memos } = step.memory;
    const recorded = ownValue(memos, name);
    if (recorded === undefined || !deepEqual(recorded, value) || (attach && !step.memory.attach)) {
      const body: ValuelessBody = { type: "step_memo", key, attempt, name, attach };
      this.#decisions.push({ kind: "append", body, value });
      step.memory = { ...step.memory, attach: attach || step.memory.attach, memos: { ...memos, [name]: value } };
    }
    return this.#drain();
  }

  /** The attempt is given up at `deadline` and not before. Undefined: it is not under way. See `memo` for `worker`. */
  extend(key: StepKey, attempt: number, worker: string, deadline: number): readonly Decision[] | undefined {
    const step = this.#recording(key, attempt, worker);
    if (step === undefined) return undefined;
    if (step.memory.deadline !== deadline) {
      this.#decisions.push({ kind: "append", body: { type: "step_extended", key, attempt, deadline } });
      step.memory = { ...step.memory, deadline };
    }
    return this.#drain();
  }

  /** A seat of the run has changed hands: journaled. What is not newer than the seat's last change decides nothing. */
  seatChanged({ seat, generation, holder, reason }: SeatChange): readonly Decision[] {
    if (this.#result !== undefined || generation <= (this.#seats.get(seat)?.generation ?? 0)) return [];
    const change: Seat = { seat, generation, ...(holder === undefined ? {} : { holder }) };
    this.#seats.set(seat, change);
    return [{ kind: "append", body: { type: "seat_changed", ...change, reason } }];
  }

  /**
   * An attempt ended. An outcome of an attempt that is no longer open decides nothing: it was cancelled, or it is late.
   * @param random in [0, 1), for the jitter of a backoff.
   */
  complete(
    key: StepKey,
    attempt: number,
    outcome: AttemptOutcome,
    at: { readonly now: number; readonly random: number },
  ): readonly Decision[] {
    const step = this.#open.get(key);
    if (this.#result !== undefined || step === undefined || step.attempt !== attempt || step.phase !== "running")
      return [];
    if (this.#cancel === undefined && retries(step, outcome)) {
      step.failures += 1;
      step.phase = "backoff";
      step.memory = NO_MEMORY;
      step.wakeAt = at.now + backoffMs(step.binding.retry, step.failures, at.random);
      this.#completed(step, outcome, { retryAt: step.wakeAt });
      this.#decisions.push({ kind: "wake_at", key, attempt, at: step.wakeAt });
      return this.#drain();
    }
    this.#accept(step, outcome);
    this.#advance(at.now);
    return this.#drain();
  }

  /** A `wake_at` is due. Decides nothing where the step has completed or moved on meanwhile. */
  wake(key: StepKey, attempt: number, now: number): readonly Decision[] {
    const step = this.#open.get(key);
    if (
      this.#result !== undefined ||
      this.#cancel !== undefined ||
      step?.attempt !== attempt ||
      step.wakeAt === undefined
    )
      return [];
    const dueAt = step.wakeAt;
    if (step.phase === "backoff") {
      this.#nextAttempt(step);
    } else if (step.phase === "waiting") {
      this.#decisions.push({ kind: "append", body: { type: "timer_fired", key, attempt } });
      this.#accept(step, waited(step.binding.waits, dueAt, now));
    }
    this.#advance(now);
    return this.#drain();
  }

  /**
   * A signal arrived: journaled, and taken by the step that has waited for its name longest, else kept for the first
   * that will. The same id again decides nothing.
   */
  signal(
    signal: { readonly name: string; readonly id: string; readonly value: Json },
    now: number,
  ): readonly Decision[] {
    if (this.#result !== undefined || !this.#signals.admit(signal.id)) return [];
    const { name, id, value } = signal;
    const key = this.#signals.waiterOf(name);
    this.#decisions.push({
      kind: "append",
      body: { type: "signal_received", name, id, ...(key === undefined ? {} : { key }) },
      value,
    });
    const step = key === undefined ? undefined : this.#open.get(key);
    if (step === undefined) this.#signals.keep(name, value);
    else if (this.#cancel === undefined) {
      this.#accept(step, { kind: "pass", startedAt: now, value });
      this.#advance(now);
    }
    return this.#drain();
  }

  /** The seats that have changed hands, by name. */
  get seats(): ReadonlyMap<string, Seat> {
    return this.#seats;
  }

  /** Asks the run to stop: journaled, then every open attempt is aborted. A second cancel changes nothing. */
  cancel(request: { readonly reason: string; readonly by: string }): readonly Decision[] {
    if (this.#result !== undefined || this.#cancel !== undefined) return [];
    this.#cancel = { reason: request.reason };
    this.#decisions.push({
      kind: "append",
      body: { type: "cancel_requested", reason: request.reason, by: request.by },
    });
    for (const [key, step] of this.#open) {
      if (step.phase === "running")
        this.#decisions.push({ kind: "abort", key, attempt: step.attempt, reason: "cancelled" });
    }
    return this.#drain();
  }

  /** The aborted attempts have ended, or their grace has: closes what is still open and finishes the run. */
  finishCancelled(now: number): readonly Decision[] {
    if (this.#cancel === undefined || this.#result !== undefined) return [];
    for (const step of this.#open.values()) {
      if (step.journaled) this.#completed(step, { kind: "cancelled", startedAt: now });
    }
    this.#open.clear();
    this.#finish({ status: "cancelled", ctx: this.#machine.printableCtx, reason: this.#cancel.reason });
    return this.#drain();
  }

  static #begin(definition: RunDefinition, ctx: Json, options: KernelOptions): RunKernel {
    return new RunKernel(definition, options, (externs) => FlowMachine.start(definition.program, ctx, { externs }));
  }

  #load({ signals, seats = [] }: KeptState): void {
    this.#signals.load(signals);
    for (const seat of seats) this.#seats.set(seat.seat, seat);
  }

  #drain(): readonly Decision[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions;
  }

  /** Takes what the flow wants until it waits for outcomes that have to be worked for. */
  #advance(now: number): void {
    if (this.#cancel !== undefined) return;
    for (;;) {
      const events = this.#machine.take();
      for (const event of events) {
        if (event.kind === "step") this.#want(event.request);
        else if (event.kind === "cancel") for (const key of event.keys) this.#close(key, "lost_join", now);
        else this.#joined(event);
      }
      if (events.length === 0 && !this.#settleNext(now) && !this.#reuseNext(now)) break;
    }
    if (this.#machine.status === "completed") this.#finish({ status: "done", ctx: this.#machine.ctx });
    else if (this.#machine.status === "failed") {
      for (const key of [...this.#open.keys()]) this.#close(key, "run_failed", now);
      this.#finish({ status: "failed", ctx: this.#machine.printableCtx, error: runFailure(this.#machine.error) });
    }
  }

  #joined({ key, join, winner, order }: Extract<FlowEvent, { kind: "joined" }>): void {
    const body: ValuelessBody = {
      type: "fanout_joined",
      key,
      join,
      ...(winner === undefined ? {} : { winner }),
      order,
    };
    this.#decisions.push({ kind: "append", body });
  }

  #want(request: StepRequest): void {
    const binding = this.definition.binding(request.ref) ?? NO_AGENT;
    const digests: StepDigests = {
      node: this.definition.nodeDigest(request.step),
      binding: binding.digest,
      input: this.#hash(canonicalize(request.input) as string),
    };
    const step: OpenStep = {
      request,
      binding,
      digests,
      attempt: 1 + (this.#used.get(request.key) ?? 0),
      failures: 0,
      journaled: false,
      started: false,
      phase: "running",
      memory: NO_MEMORY,
    };
    this.#open.set(request.key, step);
    if (binding === NO_AGENT) this.#workerless.push(step);
    else if (!reusable(this.#records.get(request.key), digests)) this.#attempt(step);
  }

  /**
   * Settles one step that needs no worker; false where there is none. Only when all events are taken: a step that is
   * answered at once may decide a join, and the events after it may be the losers'.
   */
  #settleNext(now: number): boolean {
    const step = this.#workerless.shift();
    if (step === undefined) return false;
    const { request, binding } = step;
    if (this.#open.get(request.key) !== step) return true;
    if (binding.waits === undefined) {
      const message = `no agent named '${request.ref}': declare it under agents`;
      this.#accept(step, { kind: "error", startedAt: now, error: { code: "no_agent", message, retryable: false } });
    } else this.#wait(step, binding.waits, now);
    return true;
  }

  #nextAttempt(step: OpenStep): void {
    step.attempt += 1;
    step.journaled = false;
    step.started = false;
    // An attempt that was interrupted keeps its turn in the next.
    const { scheduledAt } = step.memory;
    step.memory = step.phase === "running" && scheduledAt !== undefined ? { ...NO_MEMORY, scheduledAt } : NO_MEMORY;
    delete step.wakeAt;
    this.#attempt(step);
  }

  #attempt(step: OpenStep): void {
    if (!step.binding.pure) this.#journal(step);
    step.phase = "running";
    if (step.binding.waits !== undefined) this.#workerless.push(step);
    else this.#dispatch(step);
  }

  #journal(step: OpenStep): void {
    const { request, attempt, digests } = step;
    step.journaled = true;
    const body: ValuelessBody = { type: "step_scheduled", key: request.key, attempt, agent: request.ref, digests };
    this.#decisions.push({ kind: "append", body });
  }

  #dispatch({ request, binding, attempt, journaled, started, memory }: OpenStep): void {
    const { key } = request;
    const barrier = journaled && !started;
    this.#decisions.push({ kind: "attempt", key, attempt, request, binding, barrier, memory, attached: started });
  }

  /** The step whose attempt is about to record something. What is recorded of an attempt follows its start. */
  #recording(key: StepKey, attempt: number, worker: string): OpenStep | undefined {
    const step = this.#open.get(key);
    if (this.#result !== undefined || step?.attempt !== attempt || step.phase !== "running") return undefined;
    if (!step.journaled) this.#journal(step);
    this.#decisions.push(...this.started(key, attempt, worker));
    return step;
  }

  #wait(step: OpenStep, waits: NonNullable<AgentBinding["waits"]>, now: number): void {
    const { key, input } = step.request;
    const wait = readWait(waits, input, now);
    if (wait.kind === "invalid") {
      this.#accept(step, {
        kind: "error",
        startedAt: now,
        error: { code: "invalid_wait", message: wait.message, retryable: false },
      });
      return;
    }
    step.phase = "waiting";
    if (wait.kind === "signal") {
      const kept = this.#signals.take(wait.name);
      if (kept !== undefined) {
        this.#accept(step, { kind: "pass", startedAt: now, value: kept.value });
        return;
      }
      this.#signals.wait(wait.name, key);
    }
    if (wait.dueAt === undefined) return;
    step.wakeAt = wait.dueAt;
    this.#decisions.push({
      kind: "append",
      body: { type: "timer_set", key, attempt: step.attempt, due_at: wait.dueAt },
    });
    this.#decisions.push({ kind: "wake_at", key, attempt: step.attempt, at: wait.dueAt });
  }

  /** Hands in the earliest recorded completion among the open steps; false where there is none. */
  #reuseNext(now: number): boolean {
    if (this.#records.size === 0) return false;
    let next: { step: OpenStep; record: RecordedCompletion } | undefined;
    for (const [key, step] of this.#open) {
      const record = this.#records.get(key);
      if (!reusable(record, step.digests) || (next !== undefined && next.record.seq < record.seq)) continue;
      next = { step, record };
    }
    if (next === undefined) return false;
    const { step, record } = next;
    const outcome: AttemptOutcome = {
      kind: record.outcome,
      startedAt: now,
      ...(record.value === undefined ? {} : { value: record.value }),
      ...(record.error === undefined ? {} : { error: { ...record.error, retryable: false } }),
    };
    this.#accept(step, outcome, { run: record.run, seq: record.seq });
    return true;
  }

  /** The step's own outcome: journaled and, unless the run is being cancelled, handed to the flow. */
  #accept(step: OpenStep, outcome: AttemptOutcome, reusedFrom?: { readonly run: string; readonly seq: number }): void {
    this.#forget(step);
    this.#completed(step, outcome, reusedFrom === undefined ? {} : { reusedFrom });
    if (this.#cancel === undefined) this.#machine.handIn(step.request.key, flowOutcome(outcome));
  }

  #close(key: StepKey, reason: AbortReason, now: number): void {
    const step = this.#open.get(key);
    if (step === undefined) return;
    this.#forget(step);
    if (step.phase === "running") this.#decisions.push({ kind: "abort", key, attempt: step.attempt, reason });
    if (step.journaled) this.#completed(step, { kind: "cancelled", startedAt: now });
  }

  #forget(step: OpenStep): void {
    this.#open.delete(step.request.key);
    if (step.binding.waits === "wait_signal") this.#signals.stopWaiting(step.request.key);
  }

  #finish(result: RunResult): void {
    this.#result = result;
    const error = result.status === "failed" ? { error: result.error } : {};
    this.#decisions.push({
      kind: "append",
      body: { type: "run_finished", status: result.status, ...error },
      value: result.ctx,
    });
    this.#decisions.push({ kind: "finished", result });
  }

  #completed(step: OpenStep, outcome: AttemptOutcome, how: CompletionOrigin = {}): void {
    const body = completionOf(step, outcome, how);
    this.#decisions.push({ kind: "append", body, ...(outcome.value === undefined ? {} : { value: outcome.value }) });
  }
}
