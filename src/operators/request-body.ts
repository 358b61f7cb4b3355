/**
 * What a request holds as JSON: what is asked, and by which terms an answer is judged, so that neither the Blueprint nor
 * the live step is needed to hand it out or to take the answer.
 */
import type { ContextPolicy, VerdictContract } from "../blueprint/index.ts";
import type { Json } from "../flow/index.ts";
import type { AgentContextView } from "../workers/index.ts";

/** Which worker the holder of the seat is to start. */
export interface WorkerSpec {
  readonly backend: string;
  readonly variant: string;
  readonly tools: readonly string[];
}

/** What is asked. */
export interface RequestBody {
  /** The step's input. */
  readonly directive?: Json;
  /** The agent's system prompt, rendered. */
  readonly system?: string;
  /** What the agent may see. */
  readonly context?: AgentContextView;
  readonly worker?: WorkerSpec;
  /** Of an `ask`. */
  readonly question?: Json;
  /** Of a `hook_after`. */
  readonly result?: Json;
}

/** What an answer is judged by, and what its worker may reach. */
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
