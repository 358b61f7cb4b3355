/**
 * What a child printed as a value and a verdict: plain mode.
 *
 * | stdout                     | `format`  | value                            | passes      |
 * |----------------------------|-----------|----------------------------------|-------------|
 * | JSON, no pointer           | any       | it                               | `ok_from`   |
 * | JSON, `result_ptr` found   | any       | what it points to                | `ok_from`   |
 * | JSON, `result_ptr` missing | any       | `{error, raw: <JSON>, stderr}`   | no          |
 * | not JSON                   | absent    | `{raw, stderr}`                  | exit code 0 |
 * | not JSON                   | `json`    | `{raw, stderr, parse_error}`     | no          |
 *
 * A raw value of a child that a signal ended names it as `signal`.
 * `ok_from` is the exit code, or a pointer at which the boolean true stands (then the exit code does not matter).
 */
import type { SubprocessOutput } from "../../blueprint/schema.ts";
import type { Json } from "../../flow/index.ts";
import type { WorkerStats } from "../../kernel/index.ts";
import { parseJson } from "../json-value.ts";
import { atPointer } from "./pointer.ts";
import type { ChildReport } from "./protocol.ts";
import { tokenUsage } from "./usage.ts";

/** Longest end of standard error that is kept with the statistics of a failed child, in UTF-16 units. */
const STDERR_SHOWN = 2048;

/** A child's answer. */
export interface SubprocessAnswer {
  readonly value: Json;
  readonly ok: boolean;
  readonly stats: WorkerStats;
}

/** Bytes as text; what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Reads a plain child's output. `model` is what the agent was declared with. */
export function readOutput(
  report: ChildReport,
  output: SubprocessOutput | undefined,
  model?: string,
): SubprocessAnswer {
  const stdout = textOf(report.stdout);
  const stderr = textOf(report.stderr);
  const parsed = parseJson(stdout.trim());
  const passed = report.exitCode === 0;
  const plain = exitStats(report, model);
  if (!parsed.ok) {
    const raw = { raw: stdout.trimEnd(), stderr, ...(report.signal === null ? {} : { signal: report.signal }) };
    if (output?.format === "json") return { value: { ...raw, parse_error: parsed.error }, ok: false, stats: plain };
    return { value: raw, ok: passed, stats: plain };
  }
  const stats = reportedStats(parsed.value, output, passed ? plain : withStderr(plain, stderr));
  const pointer = output?.result_ptr;
  const value = pointer === undefined ? parsed.value : atPointer(parsed.value, pointer);
  if (value === undefined) {
    return {
      value: { error: `result_ptr '${pointer}' not found in stdout JSON`, raw: parsed.value, stderr },
      ok: false,
      stats,
    };
  }
  const okFrom = output?.ok_from ?? "exit_code";
  return { value, ok: okFrom === "exit_code" ? passed : atPointer(parsed.value, okFrom) === true, stats };
}

/** What every child's run is recorded with. */
export function exitStats({ exitCode, signal }: ChildReport, model?: string): WorkerStats {
  return {
    worker_kind: "subprocess",
    ...(model === undefined ? {} : { model }),
    adapter_data: { exit_code: exitCode, ...(signal === null ? {} : { signal }) },
  };
}

/** The statistics with the end of standard error, for a failure whose value does not show it. */
export function withStderr(stats: WorkerStats, stderr: string): WorkerStats {
  const end = stderr.trimEnd().slice(-STDERR_SHOWN).toWellFormed();
  return end === "" ? stats : { ...stats, adapter_data: { ...stats.adapter_data, stderr: end } };
}

function reportedStats(document: Json, output: SubprocessOutput | undefined, stats: WorkerStats): WorkerStats {
  const { usage_ptr, model_ptr, num_turns_ptr } = output?.stats ?? {};
  const reported = (pointer: string | undefined): Json | undefined =>
    pointer === undefined ? undefined : atPointer(document, pointer);
  const raw = reported(usage_ptr);
  const usage = tokenUsage(raw);
  const model = reported(model_ptr);
  const turns = reported(num_turns_ptr);
  return {
    ...stats,
    ...(typeof model === "string" ? { model } : {}),
    ...(usage === undefined ? {} : { usage }),
    ...(typeof turns === "number" && Number.isSafeInteger(turns) ? { num_turns: turns } : {}),
    ...(raw === undefined ? {} : { adapter_data: { ...stats.adapter_data, usage_raw: raw } }),
  };
}
