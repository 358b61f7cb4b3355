/** How a run that has ended did so, read from its journal. */
import type { RunRecord, Stores } from "../../stores/ports.ts";
import type { Json } from "../flow/index.ts";
import type { HashText, RunResult } from "../kernel/index.ts";
import { EngineError } from "./errors.ts";
import { readJournal } from "./journal-reader.ts";

/** The result; an error for a run that was put aside, or that never began. */
export async function readResult(
  record: RunRecord,
  stores: Pick<Stores, "journals" | "blobs">,
  hash: HashText,
): Promise<RunResult | EngineError> {
  const { entries } = await readJournal(stores, record.runId, { hash });
  const last = entries.at(-1);
  const ctx: Json = last?.value ?? null;
  if (last?.entry.type !== "run_finished") {
    const why = record.error ?? "its journal has no end";
    return new EngineError("run_stuck", `run ${record.runId} was put aside: ${why}`, {
      details: { runId: record.runId },
    });
  }
  const { status, error } = last.entry;
  if (status === "done") return { status, ctx };
  if (status === "failed")
    return { status, ctx, error: error ?? { kind: "unknown", message: record.error ?? "unknown" } };
  const request = entries.find(({ entry }) => entry.type === "cancel_requested")?.entry;
  return { status, ctx, reason: request?.type === "cancel_requested" ? request.reason : "cancelled" };
}
