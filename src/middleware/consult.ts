/**
 * Consult: how layers ask whoever holds a seat.
 *
 * Owns: the port's shape. Does not own: sessions, delivery and the durable request behind a question (src/operators).
 *
 * Q1  A question is durable: asked again under the same name for the same attempt, it is the same question, and its
 *     answer, once given, is given again.
 * Q2  While it waits the attempt rests (`StepCall.rest`). When `call.signal` aborts, a call rejects with the signal's
 *     reason; where the reason is `parked` the question stays open.
 */
import type { StepCall } from "../engine/index.ts";
import type { Json } from "../flow/index.ts";

/** One question to a seat. */
export interface SeatQuestion {
  /** Tells the questions of one attempt apart: `<layer>` or `<layer>/<detail>`, at most 200 characters. */
  readonly name: string;
  /** Name of the seat: an entry of the Blueprint's `operators`. */
  readonly seat: string;
  readonly question: Json;
  /** When the answer is given up, in milliseconds since 1970. Absent: with the attempt. */
  readonly deadline?: number;
}

/** What became of a question. */
export type SeatAnswer =
  | {
      readonly kind: "answer";
      readonly value: Json;
      /** Who answered: the session's id. */
      readonly by: string;
    }
  | { readonly kind: "expired" };

/** What a seat said to a step that is about to start. */
export interface HookReply {
  /** False refuses the step. */
  readonly ok: boolean;
  readonly reason?: string;
}

/** Asks seats (Q1, Q2). */
export interface Consult {
  /** Asks a question and waits for its answer, or for its deadline. */
  ask(call: StepCall, question: SeatQuestion): Promise<SeatAnswer>;
  /** Tells a seat that a step is about to start, and waits for its word. */
  hookBefore(call: StepCall, hook: { readonly seat: string }): Promise<HookReply>;
  /** Tells a seat how a step ended. Resolves when that is on its way; nothing waits for an answer. */
  hookAfter(call: StepCall, hook: { readonly seat: string; readonly result: Json }): Promise<void>;
}
