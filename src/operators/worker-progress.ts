/**
 * What a worker says while it works: lines of JSON that become events of its attempt.
 *
 * Owns: what a line may say, and how many pass. Does not own: who watches, or what silence means (engine/heartbeat.ts).
 *
 * P1  Lossy and bounded: at most MAX_EVENTS_PER_SECOND pass; the others are counted and dropped. Nothing is stored.
 * P2  Each line that passes is a sign of life of the attempt.
 */
import type { Clock, StepEvent } from "../engine/index.ts";
import { isJsonObject, type Json, ownValue } from "../flow/index.ts";
import { parseJson } from "../workers/index.ts";
import { OperatorError } from "./errors.ts";

/** Events of one stream that pass within a second. */
export const MAX_EVENTS_PER_SECOND = 50;
/** The longest line, in UTF-16 units. */
export const MAX_PROGRESS_LINE: number = 16 * 1024;

const MAX_STAGE = 200;
const MAX_NOTE = 2_000;

/** How many lines there were, and what became of them. */
export interface ProgressCount {
  readonly events: number;
  readonly dropped: number;
}

/** One stream of progress. */
export class ProgressStream {
  readonly #clock: Pick<Clock, "now">;
  readonly #emit: (event: StepEvent) => void;
  #events = 0;
  #dropped = 0;
  #line = 0;
  #secondAt = Number.NEGATIVE_INFINITY;
  #inSecond = 0;

  constructor(clock: Pick<Clock, "now">, emit: (event: StepEvent) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Takes a line of at most MAX_PROGRESS_LINE; an empty one is a sign of nothing. @throws OperatorError `report_invalid`, naming the line. */
  take(line: string): void {
    this.#line += 1;
    if (line.trim() === "") return;
    const event = this.#read(line);
    if (!this.#passes()) {
      this.#dropped += 1;
      return;
    }
    this.#events += 1;
    this.#emit(event);
  }

  /** What a reader of lines says where they cannot be read on. */
  readonly refusals = {
    tooLong: (): OperatorError => this.#invalid(`is longer than ${MAX_PROGRESS_LINE} characters`, 1),
    notText: (): OperatorError => this.#invalid("is not UTF-8", 1),
  } as const;

  get count(): ProgressCount {
    return { events: this.#events, dropped: this.#dropped };
  }

  #passes(): boolean {
    const now = this.#clock.now();
    if (now - this.#secondAt >= 1_000) {
      this.#secondAt = now;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    return this.#inSecond <= MAX_EVENTS_PER_SECOND;
  }

  #read(line: string): StepEvent {
    const parsed = parseJson(line);
    if (!parsed.ok) throw this.#invalid(`is not JSON: ${parsed.error}`);
    const { value } = parsed;
    if (!isJsonObject(value)) throw this.#invalid("is not a JSON object");
    const field = (name: string): Json | undefined => ownValue(value, name);
    const [type, stage, note, chunk] = [field("type"), field("stage"), field("note") ?? undefined, field("chunk")];
    if (type === "partial" && typeof chunk === "string") return { type, chunk };
    if (type === "progress" && typeof stage === "string" && stage !== "" && stage.length <= MAX_STAGE) {
      if (note === undefined) return { type, stage };
      if (typeof note === "string" && note.length <= MAX_NOTE) return { type, stage, note };
    }
    throw this.#invalid(
      `is neither {"type":"progress","stage","note"?} with a stage of 1 to ${MAX_STAGE} characters nor {"type":"partial","chunk"}`,
    );
  }

  /** @param ahead lines after the last one taken. */
  #invalid(what: string, ahead = 0): OperatorError {
    const line = this.#line + ahead;
    return new OperatorError("report_invalid", `line ${line} of the progress ${what}`, { details: { line } });
  }
}
