/**
 * What is asked of the holder of a seat, and what comes back: the contract between the operator worker and whoever keeps
 * the requests (src/operators), which implements `OperatorRequests`.
 */
import type { ContextPolicy, VerdictContract } from "../blueprint/schema.ts";
import type { StepCall, WorkerReport } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";
import type { AgentContextView } from "./context.ts";
import type { StagedPart } from "./worker.ts";

/** Which worker the holder of the seat is to start. */
export interface WorkerSpec {
  readonly backend: string;
  readonly variant: string;
  readonly tools: readonly string[];
}

/** What an answer is judged by, and what its worker may reach. Made of the unfiltered context (context.ts C1). */
export interface RequestTerms {
  readonly verdict?: VerdictContract;
  /** `json`: the answer must be JSON. `text`: it is taken as it is. Absent: text that may hold JSON. */
  readonly submitFormat?: "json" | "text";
  /** Whether an answer may name a file in `workDir`. */
  readonly allowFileSubmit?: boolean;
  readonly workDir?: string;
  readonly projectRoot?: string;
  /** Which earlier outputs the worker is pointed to. */
  readonly contextPolicy?: ContextPolicy;
}

/** A step for whoever holds a seat. */
export interface OperatorTask {
  readonly seat: string;
  /** The step's input. */
  readonly directive: Json;
  /** The agent's system prompt, rendered. */
  readonly system?: string;
  /** What the agent may see. */
  readonly context: AgentContextView;
  readonly worker?: WorkerSpec;
  /** When the attempt is given up, in milliseconds since 1970, as of its dispatch. */
  readonly deadline?: number;
  readonly terms: RequestTerms;
}

/** How a step came back from outside, with what its worker reported. */
export type OperatorReply = WorkerReport &
  (
    | {
        readonly kind: "final";
        readonly verdict: "pass" | "blocked" | "skip";
        readonly value: Json;
        readonly parts: readonly StagedPart[];
      }
    /** The operator stopped it, as intended. */
    | { readonly kind: "halt"; readonly value: Json }
    /** The operator could not have it done. */
    | { readonly kind: "error"; readonly message: string }
  );

/** The requests to operators. */
export interface OperatorRequests {
  /**
   * Asks for a step and waits until it is answered, resting meanwhile. The same attempt again is the same request. Rejects
   * with the reason of `call.signal` once that is aborted; the request is withdrawn by then, unless the reason is `parked`.
   */
  see(call: StepCall, task: () => Promise<OperatorTask>): Promise<OperatorReply>;
}
