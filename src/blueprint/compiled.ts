/**
 * What compiling a Blueprint yields: everything that running it needs, resolved, frozen and digested.
 *
 * Plain data beside the flow program. Workers read the plan of their kind; nobody reads the document again.
 */
import type { FlowProgram, Json, JsonObject } from "../flow/index.ts";
import type { ProjectionPlacement } from "./projection-placement.ts";
import type {
  AgentKind,
  AgentProfile,
  AuditDef,
  Blueprint,
  ContextPolicy,
  LayerName,
  LayerOptions,
  Runner,
  SubprocessOutput,
  VerdictContract,
} from "./schema.ts";
import type { StepNaming } from "./step-naming.ts";

/** The framing of a streaming subprocess. */
export type StreamMode = "ndjson_lines" | "sse_events" | "length_prefixed";

/** Where an agent's runner came from. */
export type RunnerSource = "agent_inline" | "agent_ref" | "legacy_worker_binding" | "blueprint_default" | "none";

/** How often and how long an agent is tried. All times in milliseconds. */
export interface StepPolicy {
  /** Deadline of one attempt; absent: none. */
  readonly timeoutMs?: number;
  /** The longest an attempt may go without a sign of life; absent: any time. */
  readonly heartbeatMs?: number;
  readonly retry: {
    /** Attempts in all, first included. Default 1. */
    readonly maxAttempts: number;
    /** Pause before the second attempt. Default 1000. */
    readonly backoffMs: number;
    /** Growth per further attempt. Default 2. */
    readonly backoffFactor: number;
    /** Ceiling of the pause. Default 60000. */
    readonly maxBackoffMs: number;
    /** Share of the pause that is drawn at random, 0 to 1. Default 0.1. */
    readonly jitter: number;
    /** Error codes that end the step at once. */
    readonly nonRetryable: readonly string[];
  };
  /** Attempts of this agent under way at once over the whole host; absent: no limit. */
  readonly concurrency?: number;
  /** Whether repeating an attempt is harmless. */
  readonly idempotent: boolean;
}

/** The Blueprint that a swarm agent runs. */
export type SwarmTarget =
  /** A linked document within the agent's own, which compiled with it. */
  | { readonly kind: "embedded"; readonly id: string; readonly version: string; readonly document: JsonObject }
  | { readonly kind: "version"; readonly version: string }
  /** The newest version when the child is started. */
  | { readonly kind: "id"; readonly id: string };

/** What a worker needs to know of its agent, by kind. */
export type AgentPlan =
  | {
      readonly kind: "lua";
      /** Inline chunk, or absent where `fnId` names a script registered with the host. */
      readonly source?: string;
      readonly fnId?: string;
      /** Chunk name in errors. */
      readonly label: string;
      /** Names granted under `host.`, sorted. */
      readonly host: readonly string[];
    }
  | { readonly kind: "function"; readonly fnId: string }
  | {
      readonly kind: "subprocess";
      readonly form: "spec";
      readonly program: string;
      readonly args: readonly string[];
      readonly useStdin: boolean;
      readonly streamMode?: StreamMode;
    }
  | {
      readonly kind: "subprocess";
      readonly form: "template";
      readonly template: string;
      readonly argv: readonly string[];
      readonly stdin?: string;
      readonly env: Readonly<Record<string, string>>;
      readonly cwd?: string;
      readonly output?: SubprocessOutput;
      readonly streamMode?: StreamMode;
      readonly systemPrompt: string;
      readonly model?: string;
      readonly tools: readonly string[];
    }
  | {
      readonly kind: "operator";
      /** The seat: `spec.operator_ref`. */
      readonly seat: string;
      readonly systemPrompt: string;
      readonly binding?: { readonly backend: string; readonly variant: string; readonly tools: readonly string[] };
    }
  | {
      readonly kind: "swarm";
      readonly blueprint: SwarmTarget;
      /** Where in the child's initial ctx the step's input goes. Absent: the input is the initial ctx. */
      readonly input?: string;
      /** What of the child's last ctx is the answer. Absent: all of it. */
      readonly output?: string;
    }
  | {
      readonly kind: "agent_block" | "llm";
      readonly spec: Json;
      readonly systemPrompt: string;
      readonly tools: readonly string[];
    };

/** One agent, resolved. */
export interface CompiledAgent {
  readonly name: string;
  /** `rust_fn` is compiled to `function`. */
  readonly kind: Exclude<AgentKind, "rust_fn">;
  readonly plan: AgentPlan;
  readonly profile?: AgentProfile;
  readonly runner?: Runner;
  readonly runnerSource: RunnerSource;
  /** The agent's own policy, else the Blueprint's default, else absent: pass all. */
  readonly contextPolicy?: ContextPolicy;
  /** Agent-tier context: default_agent_ctx under meta_ref under meta.ctx, merged per key. */
  readonly context: JsonObject;
  readonly verdict?: VerdictContract;
  readonly policy: StepPolicy;
  /** No effect outside the host: the engine need not wait for the disk around it. */
  readonly pure: boolean;
  /** Lower-case hex SHA-256 over all of the above that decides what an attempt ends with; see binding-digest.ts. */
  readonly bindingDigest: string;
}

/** A Blueprint ready to run. */
export interface CompiledBlueprint {
  /** The linked, typed document. */
  readonly blueprint: Blueprint;
  /** Canonical (RFC 8785) text of the linked document. */
  readonly canonical: string;
  /** `sha256:` and 64 hex digits over the canonical text under the domain prefix `swarm-host/blueprint/v1\n`. */
  readonly version: string;
  readonly program: FlowProgram;
  readonly agents: ReadonlyMap<string, CompiledAgent>;
  readonly naming: StepNaming;
  readonly placement: ProjectionPlacement;
  /** Named context objects for `$step_meta.ref`. */
  readonly metas: ReadonlyMap<string, JsonObject>;
  /** Known hint layers, in declared order. */
  readonly layers: readonly LayerName[];
  /** Options of hint layers, as authored. */
  readonly layerOptions: LayerOptions;
  readonly audits: readonly AuditDef[];
}
