/** A kernel driven by hand: outcomes come from a script, the journal is an array. For tests of the kernel and of replay. */
import { createHash } from "node:crypto";
import {
  compileFlow,
  decodeFlow,
  externMap,
  type FlowLimits,
  type Json,
  noExterns,
  type StepKey,
} from "../../src/flow/index.ts";
import {
  type AgentBinding,
  type AttemptOutcome,
  ChainReader,
  completionsOf,
  type Decision,
  JournalChain,
  type KernelOptions,
  type ReplayedEntry,
  type RunDefinition,
  RunKernel,
  replayRun,
  rerunRun,
  type SavedKernel,
  type SealedEntry,
  type StartOptions,
} from "../../src/kernel/index.ts";

export const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

const once = { maxAttempts: 1, backoffMs: 1000, backoffFactor: 2, maxBackoffMs: 60_000, jitter: 0, nonRetryable: [] };

/** A binding for tests: pure and tried once, unless said otherwise. */
export function bindingOf(over: Partial<AgentBinding> = {}): AgentBinding {
  return { digest: hash("binding"), pure: true, retry: once, ...over };
}

/** A definition over a flow document; every ref is an agent unless `bindings` says which are. */
export function definitionOf(
  flow: unknown,
  options: {
    bindings?: Readonly<Record<string, AgentBinding>>;
    impure?: Readonly<Record<string, () => Json>>;
    limits?: Partial<FlowLimits>;
  } = {},
): RunDefinition {
  const { bindings, impure = {}, limits } = options;
  const program = compileFlow(decodeFlow(flow), limits);
  return {
    blueprint: { id: "test", version: `sha256:${hash(JSON.stringify(flow))}` },
    program,
    flowDigest: hash(JSON.stringify(flow)),
    nodeDigest: (step) => hash(step.nodePath + step.ref),
    binding: (ref) => (bindings === undefined ? bindingOf() : Object.hasOwn(bindings, ref) ? bindings[ref] : undefined),
    externs: Object.keys(impure).length === 0 ? noExterns : externMap(impure),
    impureExterns: new Set(Object.keys(impure)),
  };
}

/** A live attempt, as the script sees it. */
export type Wanted = Extract<Decision, { kind: "attempt" }>;

/** One run under a test's control. Time moves only when the test says so. */
export class ScriptedRun {
  readonly definition: RunDefinition;
  kernel: RunKernel;
  readonly journal: SealedEntry[] = [];
  readonly wanted = new Map<StepKey, Wanted>();
  readonly aborted: { key: StepKey; attempt: number; reason: string }[] = [];
  readonly wakes = new Map<StepKey, { attempt: number; at: number }>();
  now = 1_000;
  #chain: JournalChain;

  private constructor(definition: RunDefinition, kernel: RunKernel, chain: JournalChain) {
    this.definition = definition;
    this.kernel = kernel;
    this.#chain = chain;
  }

  static start(
    definition: RunDefinition,
    ctx: Json = {},
    more: Partial<KernelOptions & StartOptions> = {},
  ): ScriptedRun {
    const options = { hash, now: 1_000, engine: "test", context: {}, ...more };
    const { kernel, decisions } = RunKernel.start(definition, ctx, options);
    const run = new ScriptedRun(definition, kernel, new JournalChain(hash));
    run.take(decisions);
    return run;
  }

  /** The run that a host which has only these entries rebuilds and resumes. */
  static recover(definition: RunDefinition, journal: readonly SealedEntry[], now = 2_000): ScriptedRun {
    const reader = new ChainReader(hash);
    const entries = journal.map((sealed) => replayed(reader, sealed));
    const kernel = replayRun(definition, entries, { hash });
    const run = new ScriptedRun(definition, kernel, new JournalChain(hash, reader.position));
    run.now = now;
    run.journal.push(...journal);
    run.take(kernel.resume(now));
    return run;
  }

  /** The run that a host rebuilds from these entries under a divergence policy. */
  static resume(
    definition: RunDefinition,
    journal: readonly SealedEntry[],
    divergence: "reuse" | "rerun",
    now = 2_000,
  ): ScriptedRun {
    const reader = new ChainReader(hash);
    const entries = journal.map((sealed) => replayed(reader, sealed));
    const reason = "the agent has changed";
    const rerun =
      divergence === "rerun" ? rerunRun(definition, entries, { hash }, { runId: "R-1", reason, now }) : undefined;
    const kernel = rerun?.kernel ?? replayRun(definition, entries, { hash, keep: true });
    const run = new ScriptedRun(definition, kernel, new JournalChain(hash, reader.position));
    run.now = now;
    run.journal.push(...journal);
    run.take(rerun?.decisions ?? kernel.resume(now, { type: "run_resumed", reason, divergence }));
    return run;
  }

  /** The run that a host rebuilds from a saved kernel of `source`, with nothing journaled since. */
  static restore(source: ScriptedRun, saved: SavedKernel, now = 2_000): ScriptedRun {
    const kernel = RunKernel.restore(source.definition, saved, { hash, at: source.#chain.nextSeq });
    const { nextSeq, prev } = source.#chain;
    const run = new ScriptedRun(source.definition, kernel, new JournalChain(hash, { nextSeq, prev }));
    run.now = now;
    run.journal.push(...source.journal);
    run.take(kernel.resume(now));
    return run;
  }

  take(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.kind === "append")
        this.journal.push(this.#chain.seal(decision.body, { fence: 1, at: this.now }, decision.value));
      else if (decision.kind === "attempt") this.wanted.set(decision.key, decision);
      else if (decision.kind === "wake_at") this.wakes.set(decision.key, decision);
      else if (decision.kind === "abort") {
        this.wanted.delete(decision.key);
        this.aborted.push({ key: decision.key, attempt: decision.attempt, reason: decision.reason });
      }
    }
  }

  /** Ends the wanted attempt of a key. */
  end(key: string, outcome: Partial<AttemptOutcome> = {}): void {
    const wanted = this.wanted.get(key as StepKey);
    if (wanted === undefined)
      throw new Error(`no attempt of ${key} is wanted; there are: ${[...this.wanted.keys()].join(" ")}`);
    this.wanted.delete(wanted.key);
    if (wanted.barrier) this.take(this.kernel.started(wanted.key, wanted.attempt, "test"));
    const full: AttemptOutcome = {
      kind: "pass",
      startedAt: this.now,
      ...(outcome.kind === undefined ? { value: wanted.request.input } : {}),
      ...outcome,
    };
    this.take(this.kernel.complete(wanted.key, wanted.attempt, full, { now: this.now, random: 0 }));
  }

  /** Lets the time of the next wake come. */
  wake(key: string): void {
    const wake = this.wakes.get(key as StepKey);
    if (wake === undefined) throw new Error(`nothing wakes ${key}`);
    this.wakes.delete(key as StepKey);
    this.now = wake.at;
    this.take(this.kernel.wake(key as StepKey, wake.attempt, this.now));
  }

  /** What the journal offers to forks of a run of this id. */
  completions(runId: string): ReturnType<typeof completionsOf> {
    const reader = new ChainReader(hash);
    return completionsOf(
      this.journal.map((sealed) => replayed(reader, sealed)),
      runId,
    );
  }

  /** `type key` of every entry, for assertions. */
  get log(): string[] {
    return this.journal.map(({ type, key }) => (key === undefined ? type : `${type} ${key}`));
  }
}

function replayed(reader: ChainReader, sealed: SealedEntry): ReplayedEntry {
  const entry = reader.read(sealed.text);
  if (!("value" in entry) || entry.value === undefined) return { entry };
  return {
    entry,
    value: "inline" in entry.value ? entry.value.inline : (JSON.parse(sealed.blob?.text ?? "null") as Json),
  };
}

/** Shorthands for flow documents. */
export const path = (at: string): Json => ({ op: "path", at });
export const lit = (value: Json): Json => ({ op: "lit", value });
export const step = (ref: string, input: Json, out: string): Json => ({ kind: "step", ref, in: input, out: path(out) });
export const seq = (...children: Json[]): Json => ({ kind: "seq", children });
export const call = (ref: string): Json => ({ op: "call_extern", ref, args: [] });
export const fanout = (join: string, items: Json, body: Json, out: string): Json => ({
  kind: "fanout",
  items,
  bind: path("$.item"),
  body,
  join,
  out: path(out),
});
