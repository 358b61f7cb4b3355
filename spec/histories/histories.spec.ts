/** Journals written by this and by earlier versions must replay, entry for entry, to the end they recorded. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { ChainReader, type EntryType, type ReplayedEntry, type RunResult, replayRun } from "../../src/kernel/index.ts";
import { hash } from "../kernel/scripted-run.ts";
import { RECORDED, recordedDefinition } from "./flows.ts";

const read = (name: string): string => readFileSync(new URL(`./${name}`, import.meta.url), "utf8");
const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".jsonl"))
  .map((file) => file.slice(0, -".jsonl".length))
  .sort();

function entriesOf(name: string): readonly ReplayedEntry[] {
  const reader = new ChainReader(hash);
  return read(`${name}.jsonl`)
    .trimEnd()
    .split("\n")
    .map((text) => {
      const entry = reader.read(text);
      if (!("value" in entry) || entry.value === undefined || !("inline" in entry.value)) return { entry };
      return { entry, value: entry.value.inline };
    });
}

/** Every type there is: one that is added must be added here too, and recorded. */
const ENTRY_TYPES: Readonly<Record<EntryType, true>> = {
  run_started: true,
  step_scheduled: true,
  step_started: true,
  step_memo: true,
  step_extended: true,
  step_completed: true,
  timer_set: true,
  timer_fired: true,
  signal_received: true,
  seat_changed: true,
  fanout_joined: true,
  extern_value: true,
  cancel_requested: true,
  run_suspended: true,
  run_resumed: true,
  run_finished: true,
};

/** What is recorded of an extern is read, and the extern not called. */
const uncalled = {
  dice: (): Json => {
    throw new Error("called");
  },
};

describe("recorded histories", () => {
  it("are there for every flow", () => {
    expect(names).toEqual(RECORDED.map(({ name }) => name).sort());
  });

  it.each(Object.keys(ENTRY_TYPES))("hold an entry of the type %s", (type) => {
    expect(names.some((name) => entriesOf(name).some(({ entry }) => entry.type === type))).toBe(true);
  });

  it.each(names)("%s replays to the end it recorded", (name) => {
    const { flow, result } = JSON.parse(read(`${name}.end.json`)) as { flow: Json; result: RunResult };
    const kernel = replayRun(recordedDefinition(flow, { impure: uncalled }), entriesOf(name), { hash });
    expect(kernel.result).toEqual(result);
    expect(
      kernel.resume(9_000).map(({ kind }) => kind),
      "nothing is missing at its end",
    ).toEqual(["finished"]);
  });

  it.each(names)("%s can be gone on with from every entry", (name) => {
    const { flow } = JSON.parse(read(`${name}.end.json`)) as { flow: Json };
    const entries = entriesOf(name);
    // What was recorded before the agents changed is of no run of today's agents.
    const changed = entries.findIndex(({ entry }) => entry.type === "run_resumed" && entry.divergence !== undefined);
    for (let length = Math.max(changed + 1, 1); length < entries.length; length += 1) {
      const kernel = replayRun(recordedDefinition(flow), entries.slice(0, length), { hash });
      const wanted = kernel.resume(9_000).length + kernel.openSteps.size;
      expect(wanted, `after ${length} entries`).toBeGreaterThan(0);
    }
  });
});
