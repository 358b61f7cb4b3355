/**
 * What a worker sends as JSON: an answer that is a value, what the attempt used, and what served it less well.
 *
 * A field that is null is absent: clients in other languages say so.
 */
import { isJsonObject, type Json, type JsonObject, ownValue } from "../flow/index.ts";
import type { Degradation, WorkerStats } from "../kernel/index.ts";
import { parseJson } from "../workers/index.ts";
import { OperatorError } from "./errors.ts";

/** The longest text of a report's field, in UTF-16 units. */
export const MAX_REPORT_CHARACTERS = 1_000;
/** The longest JSON text of `adapter_data`, in UTF-16 units. */
export const MAX_ADAPTER_DATA: number = 8 * 1024;

/** An answer as JSON. */
export interface WorkerResult {
  readonly value: Json;
  readonly ok?: boolean;
  readonly verdict?: string;
  /** The step and the attempt that it says it is for. */
  readonly taskId?: string;
  readonly attempt?: number;
}

/** A body's JSON. @throws OperatorError `report_invalid`. */
export function readJson(body: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new OperatorError("report_invalid", "the body is not UTF-8", { cause });
  }
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  throw invalid(`the body is not JSON: ${parsed.error}`);
}

/** An answer. @throws OperatorError `report_invalid`. */
export function readResult(report: Json): WorkerResult {
  const fields = new Fields(report, "result", ["task_id", "value", "ok", "verdict", "attempt"]);
  const value = ownValue(report as JsonObject, "value");
  if (value === undefined) throw invalid("result.value is missing");
  const [ok, verdict] = [fields.flag("ok"), fields.text("verdict")];
  const [taskId, attempt] = [fields.text("task_id"), fields.count("attempt")];
  return {
    value,
    ...(ok === undefined ? {} : { ok }),
    ...(verdict === undefined ? {} : { verdict }),
    ...(taskId === undefined ? {} : { taskId }),
    ...(attempt === undefined ? {} : { attempt }),
  };
}

/** Stats. `worker_kind` is `operator` where nothing is said. @throws OperatorError `report_invalid`. */
export function readStats(report: Json): WorkerStats {
  const fields = new Fields(report, "stats", ["worker_kind", "model", "usage", "num_turns", "adapter_data"]);
  const model = fields.text("model");
  const usage = fields.object("usage");
  const turns = fields.count("num_turns");
  const adapterData = fields.object("adapter_data");
  if (adapterData !== undefined && JSON.stringify(adapterData).length > MAX_ADAPTER_DATA) {
    throw invalid(`stats.adapter_data is longer than ${MAX_ADAPTER_DATA} characters of JSON`);
  }
  return {
    worker_kind: fields.text("worker_kind") ?? "operator",
    ...(model === undefined ? {} : { model }),
    ...(usage === undefined ? {} : { usage: readUsage(usage) }),
    ...(turns === undefined ? {} : { num_turns: turns }),
    ...(adapterData === undefined ? {} : { adapter_data: adapterData }),
  };
}

/** A degradation. @throws OperatorError `report_invalid`. */
export function readDegradation(report: Json): Degradation {
  const fields = new Fields(report, "degradation", ["tool", "error", "fallback", "note"]);
  const note = fields.text("note");
  return {
    tool: fields.demanded("tool"),
    error: fields.demanded("error"),
    fallback: fields.demanded("fallback"),
    ...(note === undefined ? {} : { note }),
  };
}

function readUsage(usage: JsonObject): NonNullable<WorkerStats["usage"]> {
  const fields = new Fields(usage, "stats.usage", ["input_tokens", "output_tokens", "total_tokens"]);
  const input = fields.count("input_tokens") ?? 0;
  const output = fields.count("output_tokens") ?? 0;
  return { input_tokens: input, output_tokens: output, total_tokens: fields.count("total_tokens") ?? input + output };
}

/** The fields of one object, each read by its type. */
class Fields {
  readonly #of: JsonObject;
  readonly #name: string;

  constructor(report: Json, name: string, known: readonly string[]) {
    if (!isJsonObject(report)) throw invalid(`${name} must be a JSON object`);
    const strange = Object.keys(report).find((key) => !known.includes(key));
    if (strange !== undefined) {
      throw invalid(`${name} has no field ${JSON.stringify(strange.slice(0, 50))}; it has ${known.join(", ")}`);
    }
    this.#of = report;
    this.#name = name;
  }

  text(key: string): string | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw invalid(`${this.#name}.${key} must be a text`);
    if (value.length > MAX_REPORT_CHARACTERS || !value.isWellFormed()) {
      throw invalid(`${this.#name}.${key} must be well-formed and at most ${MAX_REPORT_CHARACTERS} characters`);
    }
    return value;
  }

  demanded(key: string): string {
    const value = this.text(key);
    if (value === undefined || value.trim() === "") throw invalid(`${this.#name}.${key} is missing`);
    return value;
  }

  flag(key: string): boolean | undefined {
    const value = this.#value(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(`${this.#name}.${key} must be true or false`);
  }

  count(key: string): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(`${this.#name}.${key} must be a whole number, 0 or more`);
  }

  object(key: string): JsonObject | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw invalid(`${this.#name}.${key} must be a JSON object`);
    return value;
  }

  #value(key: string): Json | undefined {
    return Object.hasOwn(this.#of, key) ? (this.#of[key] ?? undefined) : undefined;
  }
}

function invalid(message: string): OperatorError {
  return new OperatorError("report_invalid", message);
}
