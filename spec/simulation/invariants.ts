/** What must hold of the journals at the end of a simulation, whatever happened meanwhile. */
import type { Json } from "../../src/flow/index.ts";
import { ChainReader, type JournalEntry } from "../../src/kernel/index.ts";
import { ENDED } from "../../stores/run-status.ts";
import { hash } from "../kernel/scripted-run.ts";
import { BINDINGS } from "./scenarios.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** What the simulation was told of a run, which therefore has to be true for ever. */
export interface Acknowledged {
  readonly runId: string;
  readonly accepted: boolean;
  /** Ids of signals whose senders were answered. */
  readonly signals: readonly string[];
  readonly result?: { readonly status: string; readonly ctx: Json };
}

/** Reads a run's journal, checking the digest chain. */
export async function journalOf(disk: SimulatedDisk, runId: string): Promise<readonly JournalEntry[]> {
  const reader = new ChainReader(hash);
  return (await disk.stores.journals.read(runId, 1, 100_000)).map(({ text }) => reader.read(text));
}

/** Everything that is wrong with a run that should have ended. */
export async function brokenPromises(disk: SimulatedDisk, told: Acknowledged): Promise<readonly string[]> {
  const { runId } = told;
  const record = await disk.stores.runs.get(runId);
  if (record === undefined) return told.accepted ? [`${runId} was accepted and is not there`] : [];
  const broken: string[] = [];
  const expect = (holds: boolean, what: string): void => {
    if (!holds) broken.push(`${runId}: ${what}`);
  };
  expect(ENDED.has(record.status), `it has not ended: ${record.status} ${record.error ?? ""}`);
  const stored = (await disk.stores.journals.read(runId, 1, 100_000)).map(({ text }) => text);
  expect(
    JSON.stringify(stored) === JSON.stringify(disk.written.get(runId) ?? []),
    "its journal is not what was written",
  );
  const entries = await journalOf(disk, runId);
  const done = new Set<string>();
  /** Attempts that a restart enters again, and that have not ended. */
  const attached = new Map<string, number>();
  const seats = new Set<string>();
  let fence = 0;
  for (const entry of entries) {
    expect(entry.fence >= fence, `entry ${entry.seq} has the old fence ${entry.fence} after ${fence}`);
    fence = entry.fence;
    if (entry.type === "step_scheduled") {
      expect(!attached.has(entry.key), `entry ${entry.seq} repeats an attempt of ${entry.key} that is attached to`);
      if (BINDINGS[entry.agent]?.attach === true) seats.add(entry.key);
    } else if (entry.type === "step_started" && seats.has(entry.key)) attached.set(entry.key, entry.attempt);
    else if (entry.type === "step_memo" && entry.attach) attached.set(entry.key, entry.attempt);
    if (entry.type !== "step_completed") continue;
    const under = attached.get(entry.key);
    expect(
      under === undefined || under === entry.attempt,
      `entry ${entry.seq} ends another attempt than is attached to`,
    );
    attached.delete(entry.key);
    if (!entry.accepted) continue;
    expect(!done.has(entry.key), `step ${entry.key} was completed twice, again by entry ${entry.seq}`);
    done.add(entry.key);
  }
  const ends = entries.filter(({ type }) => type === "run_finished");
  expect(ends.length <= 1, "it has more than one end");
  const last = entries.at(-1);
  if (record.status !== "dead_letter") {
    expect(last?.type === "run_finished" && last.status === record.status, "its last entry is not the end its row has");
  }
  const signals = entries.flatMap((entry) => (entry.type === "signal_received" ? [entry.id] : []));
  expect(new Set(signals).size === signals.length, "a signal was taken twice");
  for (const id of told.signals) expect(signals.includes(id), `the signal ${id} was acknowledged and is lost`);
  if (told.result !== undefined && last?.type === "run_finished") {
    const value = last.value !== undefined && "inline" in last.value ? last.value.inline : null;
    const same = told.result.status === last.status && JSON.stringify(told.result.ctx) === JSON.stringify(value);
    expect(same, "its launcher was told another end than the journal has");
  }
  return broken;
}
