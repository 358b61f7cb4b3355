/**
 * What the journal keeps of an attempt under way, so that a later life of the run can enter it again as it was.
 *
 * Owns: the facts and what they are worth. Does not own: when they are journaled (run.ts). Gone with the attempt's end.
 */
import type { JsonObject } from "../flow/index.ts";
import type { AgentBinding } from "./definition.ts";

/** The facts of one attempt. Times in milliseconds since 1970. */
export interface AttemptMemory {
  /** The owner's fence when the attempt was scheduled. Absent: the present owner's. */
  readonly fence?: number;
  /**
   * When it was scheduled, as journaled; an attempt that follows an interrupted one has that one's. Absent: in this life.
   */
  readonly scheduledAt?: number;
  /** When its start was journaled. Absent: in this life, or not yet. */
  readonly startedAt?: number;
  /** When it is given up, where that was moved. Absent: as its policy says. */
  readonly deadline?: number;
  /** Whether something it recorded asks for it to be entered again after a restart. */
  readonly attach: boolean;
  /** What layers and the worker recorded, by name. */
  readonly memos: JsonObject;
}

/** Of an attempt that has recorded nothing. */
export const NO_MEMORY: AttemptMemory = Object.freeze({ attach: false, memos: Object.freeze({}) });

/** Something an attempt records. */
export interface Memo {
  readonly name: string;
  /** From now on a restart enters the attempt again instead of repeating it. */
  readonly attach: boolean;
}

/** Whether a restart enters a started attempt again instead of repeating it. */
export function attaches(step: { readonly binding: AgentBinding; readonly memory: AttemptMemory }): boolean {
  return step.binding.attach === true || step.memory.attach;
}
