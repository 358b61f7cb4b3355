/**
 * Journal entries: the durable record of a run, and their one encoding.
 *
 * Owns: the entry types, the stored text of an entry and the digest chain over it.
 * Does not own: when an entry is written (run.ts decides) or where it is kept (the JournalStore port).
 *
 * E1  `seq` starts at 1 and grows by one; `prev` is the digest of the entry before, or GENESIS for the first.
 * E2  What is hashed is exactly the stored text, so a stored journal proves itself without re-encoding.
 * E3  Every entry names its format version; a reader refuses versions it does not know.
 */
import type { Json, JsonObject, StepKey } from "../flow/index.ts";

/** The entry format this host writes. Readers accept every version from 1 up to it. */
export const ENTRY_VERSION = 1;

/** `prev` of the first entry of a journal. */
export const GENESIS: string = "0".repeat(64);

/** Behaviour flags a run is recorded with. A flag is added when replaying an old journal must keep an old behaviour. */
export type BehaviourFlag = number;

/** A value in an entry: itself, or the digest of the blob that holds its JSON text where that is over 16 KiB. */
export type ValueRecord = { readonly inline: Json } | { readonly blob: string; readonly bytes: number };

/** Token and turn counts a worker reports. All optional: workers report what they know. */
export interface WorkerStats {
  readonly worker_kind?: string;
  readonly model?: string;
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number; readonly total_tokens: number };
  readonly num_turns?: number;
  readonly adapter_data?: JsonObject;
}

/** A worker's note that something served it less well than it should: what failed, how, and what it did instead. */
export interface Degradation {
  readonly tool: string;
  readonly error: string;
  readonly fallback: string;
  readonly note?: string;
}

/** How a step attempt ended. */
export type OutcomeKind = "pass" | "blocked" | "skip" | "error" | "timeout" | "cancelled";

/** Digests recorded with a completion, compared on replay. Lower-case hex SHA-256. */
export interface StepDigests {
  /** Of the step node's canonical JSON. */
  readonly node: string;
  /** Of everything that decides what the agent does; see CompiledAgent.bindingDigest. */
  readonly binding: string;
  /** Of the input's canonical JSON. */
  readonly input: string;
}

/** Why a run failed. */
export interface RunFailure {
  /** The flow error's kind, e.g. `dispatcher_error`, `path_not_found`. */
  readonly kind: string;
  readonly message: string;
  /** The step that failed, where one did. */
  readonly key?: StepKey;
  readonly details?: JsonObject;
}

/** The body of each entry type. A value, where there is one, is always the last field and always called `value`. */
export type EntryBody =
  | {
      readonly type: "run_started";
      readonly blueprint: { readonly id: string; readonly version: string };
      /** Digest of the flow's canonical JSON. */
      readonly flow: string;
      readonly behaviour: readonly BehaviourFlag[];
      readonly engine: string;
      readonly forked_from?: ForkOrigin;
      /** Of a child run: the attempt it was started for. */
      readonly parent?: ParentAttempt;
      /** What the launch supplied beside the ctx: project_root, work_dir, task_metadata, ... */
      readonly context: JsonObject;
      /** The initial ctx. */
      readonly value: ValueRecord;
    }
  | {
      readonly type: "step_scheduled";
      readonly key: StepKey;
      readonly attempt: number;
      readonly agent: string;
      readonly digests: StepDigests;
    }
  | { readonly type: "step_started"; readonly key: StepKey; readonly attempt: number; readonly worker: string }
  | {
      /** What a layer or the worker recorded for later lives of the attempt. */
      readonly type: "step_memo";
      readonly key: StepKey;
      readonly attempt: number;
      readonly name: string;
      /** Whether a restart enters the attempt again from here on. */
      readonly attach: boolean;
      readonly value: ValueRecord;
    }
  | {
      /** The attempt is given up at `deadline`, in milliseconds since 1970. */
      readonly type: "step_extended";
      readonly key: StepKey;
      readonly attempt: number;
      readonly deadline: number;
    }
  | {
      readonly type: "step_completed";
      readonly key: StepKey;
      readonly attempt: number;
      readonly agent: string;
      readonly digests: StepDigests;
      readonly outcome: OutcomeKind;
      /** Whether this outcome is the key's own. `false`: the attempt failed and another follows at `retry_at`. */
      readonly accepted: boolean;
      readonly error?: { readonly code: string; readonly message: string };
      readonly retry_at?: number;
      readonly started_at: number;
      readonly stats?: WorkerStats;
      /** In the order of their reports; never empty. */
      readonly degradations?: readonly Degradation[];
      /** Where the outcome was taken from, when this run did not execute the step itself. */
      readonly reused_from?: { readonly run: string; readonly seq: number };
      /** What the worker answered; present for pass, blocked and skip, and where a failure carries one. */
      readonly value?: ValueRecord;
    }
  | {
      readonly type: "fanout_joined";
      readonly key: StepKey;
      readonly join: "all" | "any" | "race" | "all_settled";
      readonly winner?: number;
      readonly order: readonly number[];
    }
  | {
      readonly type: "extern_value";
      readonly key: StepKey;
      readonly ordinal: number;
      readonly ref: string;
      readonly value: ValueRecord;
    }
  | { readonly type: "timer_set"; readonly key: StepKey; readonly attempt: number; readonly due_at: number }
  | { readonly type: "timer_fired"; readonly key: StepKey; readonly attempt: number }
  | {
      readonly type: "signal_received";
      readonly name: string;
      readonly id: string;
      readonly key?: StepKey;
      readonly value: ValueRecord;
    }
  | {
      readonly type: "seat_changed";
      readonly seat: string;
      readonly generation: number;
      readonly holder?: string;
      readonly reason: string;
    }
  | { readonly type: "cancel_requested"; readonly reason: string; readonly by: string }
  | { readonly type: "run_suspended"; readonly reason: string; readonly code: string }
  | {
      readonly type: "run_resumed";
      readonly reason: string;
      /**
       * `reuse`: every entry before this one stands, whatever the digests of its steps are by now. `rerun`: the flow begins
       * anew here, and takes over the completions before that are still of the same work.
       */
      readonly divergence?: "reuse" | "rerun";
      /** Of a rerun: what outlives the former course (KeptState). */
      readonly value?: ValueRecord;
    }
  | {
      readonly type: "run_finished";
      readonly status: "done" | "failed" | "cancelled";
      readonly error?: RunFailure;
      /** The ctx the flow ended with, also where it failed. */
      readonly value?: ValueRecord;
    };

/** Names of all entry types. */
export type EntryType = EntryBody["type"];

/** What every entry carries beside its body. */
export interface EntryHead {
  /** Entry format version. */
  readonly v: number;
  readonly seq: number;
  /** Digest of the entry before; GENESIS for the first. */
  readonly prev: string;
  /** The owner's fence when it was written. */
  readonly fence: number;
  /** Milliseconds since 1970, by the writing host's clock. Informational: order is `seq`. */
  readonly at: number;
}

/** What a fork was made of. */
export interface ForkOrigin {
  readonly run: string;
  /** What is executed again whatever it depends on: a step key, `failed`, or `start`: everything. */
  readonly key: string;
  /** How many entries the source had: what it did later is not taken over. Absent: all it has. */
  readonly entries?: number;
}

/** The attempt of another run that a child run was started for. */
export interface ParentAttempt {
  readonly run: string;
  readonly key: StepKey;
  readonly attempt: number;
}

/** One journal entry. */
export type JournalEntry = EntryHead & EntryBody;

/** SHA-256 of a text, lower-case hex. A port: the kernel itself does no hashing. */
export type HashText = (text: string) => string;
