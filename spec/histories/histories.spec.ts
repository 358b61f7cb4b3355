/** Journals written by this and by earlier versions must replay, entry for entry, to the end they recorded. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/flow/index.ts";
import { ChainReader, type ReplayedEntry, type RunResult, replayRun } from "../../src/kernel/index.ts";
import { definitionOf, hash } from "../kernel/scripted-run.ts";
import { BINDINGS, RECORDED } from "./flows.ts";

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

describe("recorded histories", () => {
  it("are there for every flow", () => {
    expect(names).toEqual(RECORDED.map(({ name }) => name).sort());
  });

  it.each(names)("%s replays to the end it recorded", (name) => {
    const { flow, result } = JSON.parse(read(`${name}.end.json`)) as { flow: Json; result: RunResult };
    const kernel = replayRun(definitionOf(flow, { bindings: BINDINGS }), entriesOf(name), { hash });
    expect(kernel.result).toEqual(result);
    expect(
      kernel.resume(9_000).map(({ kind }) => kind),
      "nothing is missing at its end",
    ).toEqual(["finished"]);
  });

  it.each(names)("%s can be gone on with from every entry", (name) => {
    const { flow } = JSON.parse(read(`${name}.end.json`)) as { flow: Json };
    const entries = entriesOf(name);
    for (let length = 1; length < entries.length; length += 1) {
      const kernel = replayRun(definitionOf(flow, { bindings: BINDINGS }), entries.slice(0, length), { hash });
      const wanted = kernel.resume(9_000).length + kernel.openSteps.size;
      expect(wanted, `after ${length} entries`).toBeGreaterThan(0);
    }
  });
});
