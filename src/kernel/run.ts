/**
 * One run as a state machine: what happened goes in, decisions come out.
 *
 * Owns: the flow machine, the open steps and their attempts, and what is journaled when.
 * Does not own: time, randomness, I/O, or whether a decision has been carried out; the driver (src/engine) does.
 *
 * K1  Every call returns decisions in the order they must be carried out; `append` decisions are journal order.
 * K2  A step key has at most one open attempt, and at most one accepted completion, ever.
 * K3  What is decided depends only on the calls and their order: replaying the journal's outcomes in journal order
 *     rebuilds the same kernel.
 * K4  An attempt with `barrier` may start only when all appends before it are durable (output commit).
 * K5  After `finished` nothing is decided any more.
 */
import canonicalize from "canonicalize";
import { FlowError, FlowMachine, type FlowOutcome, type Json, type JsonObject, type StepKey, type StepRequest } from "../flow/index.ts";
import { type AgentBinding, backoffMs, type RunDefinition } from "./definition.ts";
import type { HashText, OutcomeKind, RunFailure, StepDigests, WorkerStats } from "./entry.ts";
import type { ValuelessBody } from "./journal-chain.ts";
import { JournaledExterns } from "./journaled-externs.ts";

/** Something the driver must do. */
export type Decision =
  | { readonly kind: "append"; readonly body: ValuelessBody; readonly value?: Json }
  | {
      readonly kind: "attempt";
      readonly key: StepKey;
      readonly attempt: number;
      readonly request: StepRequest;
      readonly binding: AgentBinding;
      /** K4. */
      readonly barrier: boolean;
    }
  | { readonly kind: "retry_at"; readonly key: StepKey; readonly attempt: number; readonly at: number }
  | { readonly kind: "abort"; readonly key: StepKey; readonly attempt: number; readonly reason: AbortReason }
  | { readonly kind: "finished"; readonly result: RunResult };

/** Why an attempt is told to stop before its end. */
export type AbortReason = "cancelled" | "lost_join" | "run_failed";

/** How a run ended. `ctx` is what the flow had written, also where it failed. */
export type RunResult =
  | { readonly status: "done"; readonly ctx: Json }
  | { readonly status: "failed"; readonly ctx: Json; readonly error: RunFailure }
  | { readonly status: "cancelled"; readonly ctx: Json; readonly reason: string };

/** What an attempt ended with, as the driver reports it. */
export interface AttemptOutcome {
  readonly kind: OutcomeKind;
  readonly value?: Json;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
  readonly stats?: WorkerStats;
  readonly startedAt: number;
}

/** A completion recorded by another run, offered for reuse (see fork in spec/design.md). */
export interface RecordedCompletion {
  readonly digests: StepDigests;
  readonly outcome: OutcomeKind;
  readonly value?: Json;
  readonly error?: { readonly code: string; readonly message: string };
  readonly run: string;
  readonly seq: number;
}

/** An open step: wanted by the flow, not yet completed. */
interface OpenStep {
  readonly request: StepRequest;
  readonly binding: AgentBinding;
  readonly digests: StepDigests;
  attempt: number;
  failures: number;
  /** Whether the journal knows of this attempt before it completes. */
  journaled: boolean;
  phase: "running" | "backoff";
}

/** How the kernel is set up. */
export interface KernelOptions {
  readonly hash: HashText;
  /** Completions that may be taken over instead of executing a step, by key. */
  readonly records?: ReadonlyMap<StepKey, RecordedCompletion>;
}

/** What a new run is recorded with. */
export interface StartOptions {
  readonly now: number;
  /** The host's version, for the record. */
  readonly engine: string;
  /** What the launch supplies to workers beside the ctx. */
  readonly context: JsonObject;
  readonly forkedFrom?: { readonly run: string; readonly key: string };
}

const ABSENT_BINDING_DIGEST = "";

/** The state machine of one run. */
export class RunKernel {
  readonly definition: RunDefinition;
  readonly #hash: HashText;
  readonly #records: ReadonlyMap<StepKey, RecordedCompletion>;
  readonly #externs: JournaledExterns;
  readonly #machine: FlowMachine;
  readonly #open = new Map<StepKey, OpenStep>();
  #decisions: Decision[] = [];
  #cancel: { readonly reason: string } | undefined;
  #result: RunResult | undefined;

  private constructor(definition: RunDefinition, ctx: Json, options: KernelOptions) {
    this.definition = definition;
    this.#hash = options.hash;
    this.#records = options.records ?? new Map();
    this.#externs = new JournaledExterns(definition.externs, definition.impureExterns, (body, value) => {
      this.#decisions.push({ kind: "append", body, value });
    });
    this.#machine = FlowMachine.start(definition.program, ctx, { externs: this.#externs });
  }

  /** A new run: journals its start and asks for its first steps. */
  static start(
    definition: RunDefinition,
    ctx: Json,
    options: KernelOptions & StartOptions,
  ): { readonly kernel: RunKernel; readonly decisions: readonly Decision[] } {
    const kernel = new RunKernel(definition, ctx, options);
    const first: Decision = {
      kind: "append",
      body: {
        type: "run_started",
        blueprint: definition.blueprint,
        flow: definition.flowDigest,
        behaviour: [],
        engine: options.engine,
        context: options.context,
        ...(options.forkedFrom === undefined ? {} : { forked_from: options.forkedFrom }),
      },
      value: ctx,
    };
    kernel.#advance(options.now);
    return { kernel, decisions: [first, ...kernel.#drain()] };
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
  *openSteps(): Iterable<{ readonly key: StepKey; readonly attempt: number; readonly agent: string; readonly phase: "running" | "backoff" }> {
    for (const [key, step] of this.#open) yield { key, attempt: step.attempt, agent: step.request.ref, phase: step.phase };
  }

  /** A worker is about to get the attempt. Journaled where the attempt has effects, before they can happen. */
  started(key: StepKey, attempt: number, worker: string): readonly Decision[] {
    const step = this.#open.get(key);
    if (this.#result !== undefined || step?.attempt !== attempt || !step.journaled) return [];
    return [{ kind: "append", body: { type: "step_started", key, attempt, worker } }];
  }

  /**
   * An attempt ended. An outcome of an attempt that is no longer open decides nothing: it was cancelled, or it is late.
   * @param random in [0, 1), for the jitter of a backoff.
   */
  complete(key: StepKey, attempt: number, outcome: AttemptOutcome, at: { readonly now: number; readonly random: number }): readonly Decision[] {
    const step = this.#open.get(key);
    if (this.#result !== undefined || step === undefined || step.attempt !== attempt || step.phase !== "running") return [];
    if (this.#cancel === undefined && this.#retries(step, outcome)) {
      step.failures += 1;
      step.phase = "backoff";
      const retryAt = at.now + backoffMs(step.binding.retry, step.failures, at.random);
      this.#completed(step, outcome, { accepted: false, retryAt });
      this.#decisions.push({ kind: "retry_at", key, attempt: attempt + 1, at: retryAt });
      return this.#drain();
    }
    this.#open.delete(key);
    this.#completed(step, outcome, { accepted: true });
    if (this.#cancel === undefined) {
      this.#machine.handIn(key, flowOutcome(outcome));
      this.#advance(at.now);
    }
    return this.#drain();
  }

  /** A backoff is over. Decides nothing where the step has been cancelled meanwhile. */
  retryDue(key: StepKey, attempt: number): readonly Decision[] {
    const step = this.#open.get(key);
    if (this.#result !== undefined || this.#cancel !== undefined || step?.phase !== "backoff" || step.attempt + 1 !== attempt) return [];
    step.attempt = attempt;
    step.phase = "running";
    this.#attempt(step);
    return this.#drain();
  }

  /** Asks the run to stop: journaled, then every open attempt is aborted. A second cancel changes nothing. */
  cancel(request: { readonly reason: string; readonly by: string }): readonly Decision[] {
    if (this.#result !== undefined || this.#cancel !== undefined) return [];
    this.#cancel = { reason: request.reason };
    this.#decisions.push({ kind: "append", body: { type: "cancel_requested", reason: request.reason, by: request.by } });
    for (const [key, step] of this.#open) {
      if (step.phase === "running") this.#decisions.push({ kind: "abort", key, attempt: step.attempt, reason: "cancelled" });
    }
    return this.#drain();
  }

  /** The aborted attempts have ended, or their grace has: closes what is still open and finishes the run. */
  finishCancelled(now: number): readonly Decision[] {
    if (this.#cancel === undefined || this.#result !== undefined) return [];
    for (const step of this.#open.values()) {
      if (step.journaled || step.phase === "backoff") this.#completed(step, { kind: "cancelled", startedAt: now }, { accepted: true });
    }
    this.#open.clear();
    this.#finish({ status: "cancelled", ctx: this.#machine.ctx, reason: this.#cancel.reason });
    return this.#drain();
  }

  #drain(): readonly Decision[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    return decisions;
  }

  /** Takes what the flow wants until it waits for outcomes that have to be worked for. */
  #advance(now: number): void {
    for (;;) {
      for (const event of this.#machine.take()) {
        if (event.kind === "step") this.#want(event.request, now);
        else if (event.kind === "cancel") for (const key of event.keys) this.#close(key, "lost_join", now);
        else {
          const { key, join, winner, order } = event;
          this.#decisions.push({ kind: "append", body: { type: "fanout_joined", key, join, ...(winner === undefined ? {} : { winner }), order } });
        }
      }
      if (!this.#reuseNext(now)) break;
    }
    if (this.#machine.status === "completed") this.#finish({ status: "done", ctx: this.#machine.ctx });
    else if (this.#machine.status === "failed") this.#fail(now);
  }

  #want(request: StepRequest, now: number): void {
    const binding = this.definition.binding(request.ref);
    const digests: StepDigests = {
      node: this.definition.nodeDigest(request.step),
      binding: binding?.digest ?? ABSENT_BINDING_DIGEST,
      input: this.#hash(canonicalize(request.input) as string),
    };
    if (binding === undefined) {
      this.#completed(
        { request, digests, attempt: 1 },
        { kind: "error", startedAt: now, error: { code: "no_agent", message: noAgent(request.ref), retryable: false } },
        { accepted: true },
      );
      this.#machine.handIn(request.key, { kind: "error", message: noAgent(request.ref) });
      return;
    }
    const step: OpenStep = { request, binding, digests, attempt: 1, failures: 0, journaled: false, phase: "running" };
    this.#open.set(request.key, step);
    if (!reusable(this.#records.get(request.key), digests)) this.#attempt(step);
  }

  #attempt(step: OpenStep): void {
    const { request, binding, attempt, digests } = step;
    if (!binding.pure) {
      step.journaled = true;
      this.#decisions.push({ kind: "append", body: { type: "step_scheduled", key: request.key, attempt, agent: request.ref, digests } });
    }
    this.#decisions.push({ kind: "attempt", key: request.key, attempt, request, binding, barrier: !binding.pure });
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
    this.#open.delete(step.request.key);
    const outcome: AttemptOutcome = {
      kind: record.outcome,
      startedAt: now,
      ...(record.value === undefined ? {} : { value: record.value }),
      ...(record.error === undefined ? {} : { error: { ...record.error, retryable: false } }),
    };
    this.#completed(step, outcome, { accepted: true, reusedFrom: { run: record.run, seq: record.seq } });
    this.#machine.handIn(step.request.key, flowOutcome(outcome));
    return true;
  }

  #close(key: StepKey, reason: AbortReason, now: number): void {
    const step = this.#open.get(key);
    if (step === undefined) return;
    this.#open.delete(key);
    if (step.phase === "running") this.#decisions.push({ kind: "abort", key, attempt: step.attempt, reason });
    if (step.journaled) this.#completed(step, { kind: "cancelled", startedAt: now }, { accepted: true });
  }

  #fail(now: number): void {
    for (const key of [...this.#open.keys()]) this.#close(key, "run_failed", now);
    this.#finish({ status: "failed", ctx: this.#machine.ctx, error: runFailure(this.#machine.error) });
  }

  #finish(result: RunResult): void {
    this.#result = result;
    this.#decisions.push({
      kind: "append",
      body: { type: "run_finished", status: result.status, ...(result.status === "failed" ? { error: result.error } : {}) },
      value: result.ctx,
    });
    this.#decisions.push({ kind: "finished", result });
  }

  #retries(step: OpenStep, outcome: AttemptOutcome): boolean {
    if (outcome.kind !== "error" && outcome.kind !== "timeout") return false;
    const { retry } = step.binding;
    if (outcome.error?.retryable === false || retry.nonRetryable.includes(outcome.error?.code ?? outcome.kind)) return false;
    return step.failures + 1 < retry.maxAttempts;
  }

  #completed(
    step: Pick<OpenStep, "request" | "digests" | "attempt">,
    outcome: AttemptOutcome,
    how: { accepted: boolean; retryAt?: number; reusedFrom?: { run: string; seq: number } },
  ): void {
    const body: ValuelessBody = {
      type: "step_completed",
      key: step.request.key,
      attempt: step.attempt,
      agent: step.request.ref,
      digests: step.digests,
      outcome: outcome.kind,
      accepted: how.accepted,
      ...(outcome.error === undefined ? {} : { error: { code: outcome.error.code, message: outcome.error.message } }),
      ...(how.retryAt === undefined ? {} : { retry_at: how.retryAt }),
      started_at: outcome.startedAt,
      ...(outcome.stats === undefined ? {} : { stats: outcome.stats }),
      ...(how.reusedFrom === undefined ? {} : { reused_from: how.reusedFrom }),
    };
    this.#decisions.push({ kind: "append", body, ...(outcome.value === undefined ? {} : { value: outcome.value }) });
  }
}

function reusable(record: RecordedCompletion | undefined, digests: StepDigests): record is RecordedCompletion {
  return (
    record !== undefined &&
    record.digests.node === digests.node &&
    record.digests.binding === digests.binding &&
    record.digests.input === digests.input
  );
}

/** How an outcome looks to the flow; texts as in reference blocked and failed steps. */
function flowOutcome(outcome: AttemptOutcome): FlowOutcome {
  switch (outcome.kind) {
    case "pass":
      return { kind: "value", value: outcome.value ?? null };
    case "skip":
      return { kind: "skip" };
    case "blocked":
      return { kind: "error", message: `blocked: ${JSON.stringify(outcome.value ?? null)}` };
    case "error":
    case "timeout":
    case "cancelled":
      return { kind: "error", message: outcome.error?.message ?? outcome.kind };
  }
}

function noAgent(ref: string): string {
  return `no agent named '${ref}': declare it under agents`;
}

function runFailure(error: FlowError | undefined): RunFailure {
  if (error === undefined) return { kind: "internal", message: "the flow failed without an error" };
  const details = { ...error.details, ...(error.nodePath === undefined ? {} : { node: error.nodePath }), ...(error.ref === undefined ? {} : { ref: error.ref }) };
  return {
    kind: error.kind,
    message: error.message,
    ...(error.key === undefined ? {} : { key: error.key }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}
