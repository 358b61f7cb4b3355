/**
 * Forks: what a new run takes over from one that exists.
 *
 * Every recorded completion is offered to the new run; it takes those whose node, agent binding and input are still the
 * same (kernel), so only what changed, and what depends on a changed value, is executed again.
 */
import type { Stores } from "../../stores/ports.ts";
import type { Json, JsonObject, StepKey } from "../flow/index.ts";
import type { HashText, RecordedCompletion } from "../kernel/index.ts";
import { EngineError } from "./errors.ts";
import type { Executable } from "./executable.ts";
import { readJournal } from "./journal-reader.ts";
import { recordsOf } from "./revival.ts";

/** What to fork. */
export interface ForkOrder {
  /** The source. */
  readonly runId: string;
  /** The version to run: the source's pinned one or a newer. */
  readonly executable: Executable;
  /**
   * What to execute again whatever it depends on: a step key with everything below it (a loop turn `2.~1`, a lane
   * `3.@0`), or `failed`: the steps that did not pass. Default `failed`.
   */
  readonly from?: string;
  /** Changes the source's initial ctx. Default: it is taken as it was. */
  readonly ctx?: (initial: Json) => Json;
}

/** What the new run starts with. */
export interface ForkStart {
  readonly ctx: Json;
  readonly context: JsonObject;
  readonly records: ReadonlyMap<StepKey, RecordedCompletion>;
  /** `from`, as the new run's journal names it. */
  readonly key: string;
}

/** Reads the source. Rejects with EngineError `run_unknown` or `key_unknown`. */
export async function forkStart(
  order: ForkOrder,
  stores: Pick<Stores, "journals" | "blobs">,
  hash: HashText,
): Promise<ForkStart> {
  const { runId, from = "failed" } = order;
  const { entries } = await readJournal(stores, runId, { hash });
  const [first] = entries;
  if (first?.entry.type !== "run_started") {
    throw new EngineError("run_unknown", `there is no run ${runId} to fork, or it never started`, {
      details: { runId },
    });
  }
  const records = new Map(await recordsOf(stores, runId, hash));
  const again = (key: string, { outcome }: RecordedCompletion): boolean =>
    from === "failed" ? outcome !== "pass" && outcome !== "skip" : key === from || key.startsWith(`${from}.`);
  const dropped = [...records].filter(([key, record]) => again(key, record));
  const known = entries.some(
    ({ entry }) =>
      "key" in entry && entry.key !== undefined && (entry.key === from || entry.key.startsWith(`${from}.`)),
  );
  if (from !== "failed" && !known) {
    throw new EngineError(
      "key_unknown",
      `run ${runId} has no record of step ${from}; 'runs show' lists its step keys`,
      { details: { runId, key: from } },
    );
  }
  for (const [key] of dropped) records.delete(key);
  const initial = first.value ?? {};
  return {
    ctx: order.ctx === undefined ? initial : order.ctx(initial),
    context: first.entry.context,
    records,
    key: from,
  };
}
