/**
 * A streaming child: its events are published as they come, and folded into an answer at its end.
 *
 * Events are JSON objects with a `type`: `progress {stage, note?}`, `partial {chunk}`, `artifact {name, content}`,
 * `final {content, ok}`. A content is `{kind: "inline", value}`, `{kind: "file_ref", path, mime?, size_hint?}`, or any
 * other JSON, which stands for itself. A file reference is passed on; the file is never read.
 *
 * X1  The last `final` is the answer. Without one the step is blocked.
 * X2  The exit code corrects `ok`: a child that fails after its `final` has not passed.
 * X3  A frame that is no event is skipped with a warning; after MAX_WARNINGS of them, without one.
 */
import type { StreamMode } from "../../blueprint/compiled.ts";
import type { StepEvent } from "../../engine/index.ts";
import { isJsonObject, type Json, type JsonObject, ownValue } from "../../flow/index.ts";
import { clip } from "../errors.ts";
import { parseJson } from "../json-value.ts";
import type { StagedPart } from "../worker.ts";
import { type FrameDecoder, frameDecoder } from "./frames.ts";

const MAX_WARNINGS = 10;

type OutputEvent =
  | Exclude<StepEvent, { readonly type: "warning" }>
  | { readonly type: "final"; readonly content: Json; readonly ok: boolean };

/** What a stream came to. */
export interface StreamAnswer {
  readonly value: Json;
  readonly ok: boolean;
  readonly parts: readonly StagedPart[];
}

/** Collects one child's stream. */
export class StreamCollector {
  readonly #decoder: FrameDecoder;
  readonly #emit: (event: StepEvent) => void;
  readonly #parts: StagedPart[] = [];
  #final: { readonly content: Json; readonly ok: boolean } | undefined;
  #skipped = 0;

  constructor(mode: StreamMode, frameBytes: number, emit: (event: StepEvent) => void) {
    this.#decoder = frameDecoder(mode, frameBytes);
    this.#emit = emit;
  }

  /** Takes a piece of standard output. @throws WorkerError `subprocess_frame`. */
  push(bytes: Uint8Array): void {
    for (const frame of this.#decoder.push(bytes)) this.#take(frame);
  }

  /** The answer, after the child has ended. @throws WorkerError `subprocess_frame`. */
  finish(exitOk: boolean): StreamAnswer {
    const { frames, truncated } = this.#decoder.end();
    for (const frame of frames) this.#take(frame);
    if (truncated) this.#warn("the stream ended inside a frame");
    if (this.#final === undefined) {
      const value = { raw: "", note: "streaming mode: no Final event received", exit_success: exitOk };
      return { value, ok: false, parts: this.#parts };
    }
    return { value: this.#final.content, ok: this.#final.ok && exitOk, parts: this.#parts };
  }

  #take(frame: string): void {
    const parsed = parseJson(frame);
    const event = parsed.ok ? outputEvent(parsed.value) : undefined;
    if (event === undefined) {
      this.#skipped += 1;
      this.#warn(`a frame is no output event and is skipped: ${clip(frame, 100)}`);
    } else if (event.type === "final") {
      this.#final = event;
    } else {
      if (event.type === "artifact") this.#parts.push({ name: event.name, content: event.content });
      this.#emit(event);
    }
  }

  #warn(message: string): void {
    if (this.#skipped <= MAX_WARNINGS) this.#emit({ type: "warning", code: "subprocess_frame", message });
  }
}

function outputEvent(value: Json): OutputEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const field = (key: string): Json | undefined => ownValue(value, key);
  const text = (key: string): string | undefined => {
    const found = field(key);
    return typeof found === "string" ? found : undefined;
  };
  const content = field("content");
  const [stage, note, chunk, name, ok] = [text("stage"), text("note"), text("chunk"), text("name"), field("ok")];
  switch (field("type")) {
    case "progress":
      return stage === undefined ? undefined : { type: "progress", stage, ...(note === undefined ? {} : { note }) };
    case "partial":
      return chunk === undefined ? undefined : { type: "partial", chunk };
    case "artifact":
      return name === undefined || content === undefined
        ? undefined
        : { type: "artifact", name, content: contentValue(content) };
    case "final":
      return content === undefined || typeof ok !== "boolean"
        ? undefined
        : { type: "final", content: contentValue(content), ok };
    default:
      return undefined;
  }
}

function contentValue(content: Json): Json {
  if (!isJsonObject(content)) return content;
  const field = (key: keyof typeof content): Json | undefined => ownValue(content as JsonObject, String(key));
  if (field("kind") === "inline") return field("value") ?? null;
  const path = field("path");
  if (field("kind") !== "file_ref" || path === undefined) return content;
  return { file_ref: path, mime: field("mime") ?? null, size_hint: field("size_hint") ?? null };
}
